//! `/api/billing/plans` and `/api/billing/providers`: open to everybody.

use crate::support::World;

#[tokio::test]
async fn anybody_can_read_what_is_sold_and_who_takes_the_money() {
    let world = World::new().await;
    insta::assert_snapshot!(world.get("/api/billing/plans").await.shown(), @"");
    insta::assert_snapshot!(world.get("/api/billing/providers").await.shown(), @"");
    world.finish().await;
}
