package io.tallystick.agent.enroll;

import java.time.Instant;

/** Who signs an enrollment's requests. Called by the main loop only. */
public interface Speaker {
    AgentKey key();

    /** A counter no request of this enrollment carried before; on disk before it is used. */
    long nextCounter();

    /** What requests say they were signed at. */
    Instant iat();
}
