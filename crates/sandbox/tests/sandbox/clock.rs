//! The handle of the business clock.

use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn moves_add_up_and_wall_time_stays() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/clock").await.1["offset_seconds"], 0);
    let (status, moved) = stage.post("/clock", json!({ "advance_seconds": 28 * 86_400 })).await;
    assert_eq!((status, &moved["offset_seconds"]), (200, &json!(2_419_200)));
    stage.post("/clock", json!({ "advance_seconds": 1 })).await;
    let face = stage.get("/clock").await.1;
    assert_eq!(face["offset_seconds"], 2_419_201);
    let log = stage.get("/log?kind=clock.moved").await.1;
    assert_eq!(log["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_still_due_is_named() {
    let stage = Stage::new().await;
    *stage.clock.stuck.lock().unwrap() = vec!["membership 5".to_owned()];
    let (status, problem) = stage.post("/clock", json!({ "advance_seconds": 60 })).await;
    assert_eq!(
        (status, &problem["still_due"], &problem["code"]),
        (504, &json!(["membership 5"]), &json!("still_due"))
    );
    assert_eq!(stage.get("/clock").await.1["offset_seconds"], 60, "it moved all the same");
}

#[tokio::test]
async fn backwards_and_far_too_far_are_refused() {
    let stage = Stage::new().await;
    for bad in [json!(-1), json!(400_000_000), json!(i64::MAX), json!("1"), json!(1.5), json!(null)] {
        assert_eq!(stage.post("/clock", json!({ "advance_seconds": bad })).await.0, 422, "{bad}");
    }
    assert_eq!(stage.get("/clock").await.1["offset_seconds"], 0);
}
