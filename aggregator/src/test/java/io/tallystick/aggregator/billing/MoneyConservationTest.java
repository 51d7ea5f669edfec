package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.SimulatedRegion;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A check that cannot fail says nothing: each rule of {@link MoneyConservation} is broken once, behind the triggers. */
class MoneyConservationTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @BeforeAll
    static void aClosedMonthAndAnOpenOne() {
        Market market = new Market(RUNNING, "requests", "uptime-hours");
        String agreement = market.accept(market.offer(
                "EUR",
                "'prices':[{'dimension':'requests','unitPrice':'0.335'}],"
                        + "'hourly':[{'instanceType':'m5.large','unitPrice':'0.15'},"
                        + "{'instanceType':'c5.large','unitPrice':'0.1'}],"
                        + "'yearly':[{'instanceType':'m5.large','unitPrice':'900'},"
                        + "{'instanceType':'c5.large','unitPrice':'700.01'}]"));
        market.agent().send(market.usage("requests", "1"), market.usage("uptime-hours", "0.5"));
        market.pass(Duration.ofDays(40));
        market.years(agreement, "'add':[{'instanceType':'m5.large','count':1}]").expect(201);
        market.amend(agreement, "'add':[{'instanceType':'c5.large','count':1}]").expect(201);
        RUNNING.clock().advance(Duration.ofHours(1));
        market.agent().send(market.usage("requests", "1"), market.usage("uptime-hours", "1"));
        market.pass(Duration.ofHours(3));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "an agreement's offer is of its product | UPDATE offer SET product_id = 'other'",
                "every rated line of an agreement with a price has a charge | DELETE FROM charge",
                "a charge is of its line, at the offer | UPDATE charge SET account_id = 'other'",
                "posting runs are rated in order | DELETE FROM rating_run WHERE run = (SELECT min(run) FROM"
                        + " rating_run)",
                "a finished rating has the charges it says | UPDATE rating_run SET charges = charges + 1",
                "a charge's price is its rate's | UPDATE price_term SET unit_price = unit_price + 1",
                "covered up to what was bought | UPDATE charge SET covered_quantity = 0.5 WHERE covered_quantity > 0",
                "covered up to what was bought | UPDATE agreement_item SET instance_type = 'x'"
                        + " WHERE instance_type = 'm5.large'",
                "has its charges, each once | UPDATE charge SET hour = hour - interval '1 hour' WHERE kind ="
                        + " 'purchase'",
                "has its charges, each once | DELETE FROM charge WHERE kind = 'purchase'",
                "an amendment costs its share | UPDATE amendment SET amount = amount + 0.01 WHERE kind = 'amendment'",
                "an amendment costs its share | UPDATE amendment SET yearly_change = yearly_change + 1",
                "amendments are numbered without holes | UPDATE amendment SET number = number + 10",
                "amendments are numbered without holes | UPDATE amendment SET term_end = term_end - interval '1 hour'",
                "an item's price is the accepted rate's | UPDATE agreement_item SET yearly_price = 1",
                "is in the audit log | UPDATE amendment SET made_by = 'somebody'",
                "a usage hour is charged for its quantity | UPDATE charge SET priced_quantity = 2, amount = 2 *"
                        + " unit_price WHERE kind = 'usage'",
                "all charges of a closed month are in its statements | DELETE FROM statement_charge",
                "a charge is in the statement of its hour's month | UPDATE charge SET month = '2030-01-01'",
                "a statement line is the sum of its charges | UPDATE statement_line SET amount = 0.33 WHERE amount ="
                        + " 0.34",
                "a statement is the sum of its lines | UPDATE statement SET amount = amount + 0.01",
                "months are closed in order | INSERT INTO statement_month VALUES ('2029-01-01', '2030-01-01', NULL)",
            })
    void eachRuleFailsWhenItIsBroken(String rule, String sql) throws Exception {
        try (Connection connection = RUNNING.database().connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            MoneyConservation.check(connection);
            statement.execute("SET LOCAL session_replication_role = replica");
            statement.execute(sql);
            AssertionError found = assertThrows(AssertionError.class, () -> MoneyConservation.check(connection));
            assertTrue(String.valueOf(found.getMessage()).contains(rule), found.getMessage());
            connection.rollback();
        }
    }
}
