package io.tallystick.agent.enroll;

/** Where an instance stands with one product; what callers may do in each is the table in the protocol page. */
public enum State {
    /** The metadata service has not said yet who this VM is. */
    DISCOVERING,
    /** The aggregator has not answered yet, or the last lease ran out while it was away. */
    ENROLLING,
    ENTITLED,
    /** The lease is valid and the aggregator away. */
    OFFLINE_GRACE,
    DENIED,
    /** Another key speaks for this instance, or its batches have forked. */
    CONTESTED
}
