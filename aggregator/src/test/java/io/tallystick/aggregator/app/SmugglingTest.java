package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.RawHttp;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Threat: a proxy in front reads a request in one way and the aggregator in another, so that a hidden one gets through. */
class SmugglingTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    static Stream<Arguments> ambiguous() {
        return RawHttp.ambiguous("/v1/accounts").entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("ambiguous")
    void whatCanBeReadInTwoWaysIsRefusedOnceAndTheConnectionEnds(String name, String request) {
        RawHttp.Answers answers = RawHttp.untilClosed(RUNNING.running().port(), request);
        assertEquals(1, answers.statuses().size(), name + ": " + answers.text());
        int status = answers.statuses().get(0);
        assertTrue(status == 400 || status == 413, name + ": " + answers.text());
    }
}
