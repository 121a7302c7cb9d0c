use super::LINES;

#[tokio::test]
async fn a_dispute_withholds_the_time_and_its_end_decides() {
    for line in LINES.iter().filter(|line| line.disputes.is_told()) {
        for (end, status, subscription) in
            [("dispute_won", "succeeded", "active"), ("dispute_lost", "charged_back", "ended")]
        {
            let (world, customer) = line.world().await;
            let payment = line.open(&world, &customer, "k").await;
            world.act(&payment, "pay").await;
            world.drain().await;
            world.act(&payment, "dispute_open").await;
            world.drain().await;
            assert_eq!(world.status_of(&customer, &payment).await, "disputed", "{line:?}");
            assert_ne!(world.subscription(&customer).await["status"], "active", "{line:?}");
            world.act(&payment, end).await;
            world.drain().await;
            assert_eq!(world.status_of(&customer, &payment).await, status, "{line:?} {end}");
            assert_eq!(world.subscription(&customer).await["status"], subscription, "{line:?} {end}");
            assert_eq!(world.count("SELECT count(*) FROM quarantine").await, 0, "{line:?}");
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_provider_without_a_word_for_disputes_leaves_what_was_paid_alone() {
    for line in LINES.iter().filter(|line| !line.disputes.is_told()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        world.act(&payment, "dispute_open").await;
        world.advance(time::Duration::hours(2)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        world.finish().await;
    }
}
