package io.tallystick.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.chaos.checker.Verdict;
import io.tallystick.testkit.NeedsTool;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The build's share of every storm, in one world, because starting one takes longer than some storms. Another seed with
 * {@code -Dtallystick.chaos.seed=N}; the one played is printed.
 */
@NeedsTool("unshare")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ChaosTest {
    private static final long SEED = Long.getLong("tallystick.chaos.seed", 1);

    @TempDir
    static Path folder = Path.of("");

    private static World world;

    @BeforeAll
    static void open() {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        out.println("chaos: seed " + SEED);
        world = World.open(folder.resolve("world"), out);
    }

    @AfterAll
    static void close() {
        if (world != null) {
            world.close();
        }
    }

    private static void assertClean(Verdict verdict, long acknowledgedMin) {
        assertTrue(verdict.clean(), () -> "seed " + SEED + ": " + verdict);
        assertTrue(verdict.acknowledged() >= acknowledgedMin, verdict::toString);
    }

    @Test
    @Order(1)
    void whatTheAgentAcknowledgedIsBilledOnceWhoeverIsKilled() throws Exception {
        assertClean(KillStorm.play(world, KillStorm.Share.CI, SEED), KillStorm.Share.CI.records());
    }

    @Test
    @Order(2)
    void aNetworkThatLosesDoublesAndCutsChangesNoTotal() throws Exception {
        assertClean(ProxyStorm.play(world, ProxyStorm.Share.CI, SEED), ProxyStorm.Share.CI.records());
    }

    @Test
    @Order(3)
    void aBatchSentToTwoAggregatorsAtOnceCountsOnceWhilePostingRunsRace() throws Exception {
        Twins.Share share = Twins.Share.CI;
        assertClean(Twins.play(world, share, SEED), (long) share.batches() * share.recordsPerBatch());
    }

    @Test
    @Order(4)
    void aRestoredOrLaggingDatabaseGetsBackWhatItForgot() throws Exception {
        assertClean(RestoreStorm.play(world, RestoreStorm.Share.CI, SEED), 1);
    }

    @Test
    @Order(5)
    void whatNobodyCanSendAgainIsAnIncidentWithItsRangeAndAllElseIsBilled() throws Exception {
        RestoreStorm.Unresendable u = RestoreStorm.unresendable(world, SEED);
        Matcher range = Pattern.compile("the batches after 1\\.(\\d+) up to 1\\.(\\d+) are lost: .*")
                .matcher(u.incident());
        assertTrue(range.matches(), u::toString);
        assertTrue(Long.parseLong(range.group(1)) >= u.first() - 1, u::toString);
        assertTrue(Long.parseLong(range.group(2)) > Long.parseLong(range.group(1)), u::toString);
        assertTrue(u.missing() > 0, u::toString);
        assertClean(u.others(), 1);
    }

    @Test
    @Order(6)
    void tenTimesTheLoadIsRefusedAndNotCollapsedInto() throws Exception {
        Overload.Result r = Overload.play(world, Overload.Share.CI, SEED);
        assertTrue(r.exact(), r::toString);
        // Senders that got too little of the machine to bring about more than it can store have shown nothing here.
        assertTrue(r.refused() > 0 || r.offered() < 3 * r.sustainable(), r::toString);
        assertEquals(0, r.refusedWithoutWord(), "429 without Retry-After");
        // How long accepted ones took is judged by the command, on a machine that has nothing else to do.
        assertTrue(r.normalAfterSeconds() <= Overload.NORMAL_AGAIN_MAX.toSeconds(), r::toString);
    }
}
