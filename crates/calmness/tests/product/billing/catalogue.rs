//! `/api/billing/plans` and `/api/billing/providers`: open to everybody.

use crate::support::World;

#[tokio::test]
async fn anybody_can_read_what_is_sold_and_who_takes_the_money() {
    let world = World::new().await;
    insta::assert_snapshot!(world.get("/api/billing/plans").await.shown(), @r#"
    200
    {
      items: [
        {
          channel: "signaux"
          code: "signaux-weekly"
          days: 7
          prices: [
            {
              amount: 1999
              currency: "EUR"
            }
            {
              amount: 13000
              currency: "XAF"
            }
            {
              amount: 13000
              currency: "XOF"
            }
          ]
        }
        {
          channel: "signaux"
          code: "signaux-monthly"
          days: 30
          prices: [
            {
              amount: 5999
              currency: "EUR"
            }
            {
              amount: 39000
              currency: "XAF"
            }
            {
              amount: 39000
              currency: "XOF"
            }
          ]
        }
      ]
    }
    "#);
    insta::assert_snapshot!(world.get("/api/billing/providers").await.shown(), @r#"
    200
    {
      items: [
        {
          checkout: "page"
          currencies: [
            "EUR"
            "XOF"
            "XAF"
          ]
          mode: "test"
          provider: "hmac_psp"
          saves_methods: false
        }
      ]
    }
    "#);
    world.finish().await;
}
