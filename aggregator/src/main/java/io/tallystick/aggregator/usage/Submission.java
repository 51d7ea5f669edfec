package io.tallystick.aggregator.usage;

import io.tallystick.common.jose.Jws;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Batch;
import java.time.Instant;

/** An authentic, well-formed batch on its way into the ledger. {@code received} is cut to the millisecond. */
record Submission(EnrollmentId enrollment, Jws jws, Batch batch, BatchRules.Plan plan, Instant received) {}
