package io.tallystick.testkit;

import java.io.PrintStream;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Prints, when all tests are over, how many did not run for want of which tool: {@code NOT RUN: 3 tests (strace)}. */
public final class NotRunSummary implements TestExecutionListener {
    private final Map<String, Integer> testsByTool = new ConcurrentSkipListMap<>();
    private final PrintStream out;
    private volatile @Nullable TestPlan plan;

    /** For JUnit. */
    public NotRunSummary() {
        this(System.out);
    }

    NotRunSummary(PrintStream out) {
        this.out = out;
    }

    @Override
    public void testPlanExecutionStarted(TestPlan testPlan) {
        plan = testPlan;
    }

    @Override
    public void executionSkipped(TestIdentifier skipped, String reason) {
        TestPlan current = plan;
        if (current == null || !reason.startsWith(ToolCondition.PREFIX)) {
            return;
        }
        String tools = reason.substring(ToolCondition.PREFIX.length());
        // A parameterised test that never ran has no invocations to count, and counts as one.
        long below = current.getDescendants(skipped).stream()
                .filter(t -> t.isTest() || current.getChildren(t).isEmpty())
                .count();
        testsByTool.merge(tools, (int) Math.max(1, below), Integer::sum);
    }

    @Override
    public void testPlanExecutionFinished(TestPlan testPlan) {
        testsByTool.forEach((tools, count) ->
                out.println("NOT RUN: " + count + (count == 1 ? " test (" : " tests (") + tools + ")"));
        testsByTool.clear();
    }
}
