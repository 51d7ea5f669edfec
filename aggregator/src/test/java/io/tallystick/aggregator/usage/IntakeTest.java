package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.usage.Intake.Refusal;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class IntakeTest {
    private final Intake intake = new Intake(System::nanoTime);

    /** Nobody can send junk, or too much of his own, to have a silence excused: only stored-to-be batches do. */
    @Test
    void onlyAQueueOfGenuineBatchesExcusesSilence() {
        assertTrue(refusal(true, false).excusesSilence());
        assertTrue(refusal(true, true).excusesSilence());
        assertFalse(refusal(false, true).excusesSilence());
        for (int i = 0; i < Intake.CHECKING_MAX; i++) {
            assertEquals(Optional.empty(), intake.refusal(false, false));
            intake.checking();
        }
        assertFalse(refusal(false, false).excusesSilence());
        intake.checked();
        assertEquals(Optional.empty(), intake.refusal(false, false));
    }

    private Refusal refusal(boolean queueFull, boolean enrollmentFull) {
        return intake.refusal(queueFull, enrollmentFull).orElseThrow();
    }
}
