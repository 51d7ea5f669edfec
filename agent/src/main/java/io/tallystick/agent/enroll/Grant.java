package io.tallystick.agent.enroll;

import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import java.util.Optional;

/** A decision of the aggregator with its lease, verified and read; no lease exactly for DENY. */
public record Grant(Decision decision, Optional<Lease> lease) {}
