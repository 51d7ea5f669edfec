package io.tallystick.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

class ToolConditionTest {
    private static ToolCondition with(Set<String> present, Set<String> required) {
        return new ToolCondition(present::contains, required);
    }

    @Test
    void aTestRunsWhereItsToolsAre() {
        assertFalse(
                with(Set.of("a", "b"), Set.of("a")).evaluate(List.of("a", "b")).isDisabled());
    }

    @Test
    void aTestWithoutItsToolDoesNotRunAndSaysWhich() {
        assertEquals(
                "missing tool: b, c",
                with(Set.of("a"), Set.of())
                        .evaluate(List.of("a", "b", "c"))
                        .getReason()
                        .orElse(""));
    }

    @Test
    void aRequiredToolThatIsMissingFails() {
        ToolCondition condition = with(Set.of(), ToolCondition.list(" strace , psql,"));
        IllegalStateException demanded =
                assertThrows(IllegalStateException.class, () -> condition.evaluate(List.of("psql")));
        assertTrue(String.valueOf(demanded.getMessage()).contains("psql"));
        assertTrue(condition.evaluate(List.of("other")).isDisabled());
    }

    /** Never matched by the build: only the test below runs them. */
    static final class Samples {
        @Test
        @NeedsTool("no-such-tool-on-any-machine")
        void one() {}

        @Test
        void runs() {}

        @ParameterizedTest
        @ValueSource(ints = {1, 2})
        @NeedsTool("no-such-tool-on-any-machine")
        void parameterised(int n) {}
    }

    @NeedsTool("another-missing-tool")
    static final class WholeClass {
        @Test
        void one() {}

        @Test
        void two() {}
    }

    @Test
    void theSummaryCountsWhatDidNotRunByTool() {
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(
                        DiscoverySelectors.selectClass(Samples.class), DiscoverySelectors.selectClass(WholeClass.class))
                .build();
        LauncherFactory.create(LauncherConfig.builder()
                        .enableTestExecutionListenerAutoRegistration(false)
                        .addTestExecutionListeners(
                                new NotRunSummary(new PrintStream(captured, true, StandardCharsets.UTF_8)))
                        .build())
                .execute(request);
        assertEquals(
                List.of("NOT RUN: 2 tests (another-missing-tool)", "NOT RUN: 2 tests (no-such-tool-on-any-machine)"),
                captured.toString(StandardCharsets.UTF_8).lines().toList());
    }
}
