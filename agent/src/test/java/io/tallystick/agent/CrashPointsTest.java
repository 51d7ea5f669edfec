package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.NeedsTool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file system call under the agent's state folder is a point at which the process may be killed, the disk may fail
 * or be full: what was acknowledged arrives, once. The calls are found by tracing each stage of an agent's life; then the
 * stage is lived again with a fault in one of them. The build tries a seeded share; {@code -Dtallystick.crash.points=all}
 * tries each call with each fault, {@code -Dtallystick.crash.seed=N} another share, {@code
 * -Dtallystick.crash.stages=RESTART,CLONE} some stages only, and {@code
 * -Dtallystick.crash.only=TEXT} those points only whose line, as it is printed of a bad one, has the text.
 */
class CrashPointsTest {
    private static final String POINTS = System.getProperty("tallystick.crash.points", "10");
    private static final long SEED = Long.getLong("tallystick.crash.seed", 1);
    /** Stages of which a small share lives these many; a larger one, or all, lives all of them. */
    private static final int STAGES_OF_SHARE = 2;

    private static final int POINTS_OF_ALL_STAGES = 50;
    /** Part of what is printed of a point, to try that one again. */
    private static final String ONLY = System.getProperty("tallystick.crash.only", "");
    /** A simulated cloud holds 1,000 VMs, and some lives are a new one's. */
    private static final int LIVES_OF_A_CLOUD = 250;

    /** Of all stages by default; others are left out. */
    private static final String STAGES = System.getProperty("tallystick.crash.stages", "");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private record Point(CrashLife.Stage stage, CrashLife.Call call, CrashLife.Fault fault) {}

    @Test
    @NeedsTool("strace")
    void everyFileSystemCallOfTheStateFolderIsASafePointToCrash() throws Exception {
        boolean all = POINTS.equals("all");
        Random random = new Random(SEED);
        List<CrashLife.Stage> stages = new ArrayList<>(List.of(CrashLife.Stage.values()));
        if (!STAGES.isEmpty()) {
            List<String> wanted = List.of(STAGES.split(",", -1));
            stages.removeIf(s -> !wanted.contains(s.name()));
        }
        Collections.shuffle(stages, random);
        List<Point> points = new ArrayList<>();
        int calls = 0;
        int hidden = 0;
        try (CrashLife life = new CrashLife(Files.createDirectory(dir.resolve("found")))) {
            boolean few = !all && Integer.parseInt(POINTS) < POINTS_OF_ALL_STAGES;
            for (CrashLife.Stage stage : few ? stages.subList(0, Math.min(STAGES_OF_SHARE, stages.size())) : stages) {
                CrashLife.Trace trace = life.live(stage);
                calls += trace.calls().size();
                hidden += trace.calls().size() - trace.reachable().size();
                System.out.printf(
                        "crash points: %s: %d calls, %d of them reachable%n",
                        stage, trace.calls().size(), trace.reachable().size());
                for (CrashLife.Call call : trace.reachable()) {
                    Stream.of(CrashLife.Fault.values()).forEach(f -> points.add(new Point(stage, call, f)));
                }
            }
        }
        points.removeIf(p -> !p.toString().contains(ONLY));
        Collections.shuffle(points, random);
        List<Point> chosen = all ? points : points.subList(0, Math.min(points.size(), Integer.parseInt(POINTS)));
        int hit = 0;
        List<String> bad = new ArrayList<>();
        for (int from = 0; from < chosen.size(); from += LIVES_OF_A_CLOUD) {
            List<Point> some = chosen.subList(from, Math.min(chosen.size(), from + LIVES_OF_A_CLOUD));
            try (CrashLife life = new CrashLife(Files.createDirectory(dir.resolve("from-" + from)))) {
                for (Point p : some) {
                    try {
                        hit += life.live(p.stage(), p.call(), p.fault()) ? 1 : 0;
                    } catch (AssertionError | Exception e) {
                        bad.add(p + ": " + e);
                        System.out.println("crash points: bad: " + p + ": " + e);
                    }
                }
            }
            System.out.printf("crash points: %d of %d tried, %d bad%n", from + some.size(), chosen.size(), bad.size());
        }
        System.out.printf(
                "crash points: %d calls found (%d not reachable one by one), %d faults tried, %d hit, %d bad; seed"
                        + " %d%n",
                calls, hidden, chosen.size(), hit, bad.size(), SEED);
        assertEquals(List.of(), bad);
        assertTrue(hit > chosen.size() / 2, hit + " of " + chosen.size() + " faults were met");
    }
}
