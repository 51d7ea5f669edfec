package io.tallystick.agent.app;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A warm-up that fails would go unnoticed otherwise: nothing waits for it. */
class WarmUpTest {
    @Test
    void itDoesWhatAStartWillDo() {
        assertTrue(WarmUp.run());
    }
}
