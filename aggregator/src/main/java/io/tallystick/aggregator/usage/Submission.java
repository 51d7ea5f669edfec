package io.tallystick.aggregator.usage;

import io.tallystick.common.jose.Jws;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import java.time.Instant;

/** An authentic, well-formed batch on its way into the ledger. {@code key} is the thumbprint of the
 * key whose signature was checked; {@code received} is cut to the millisecond; {@code bytes} is the size of the request. */
record Submission(
        EnrollmentId enrollment, Hash key, Jws jws, Batch batch, BatchRules.Plan plan, Instant received, int bytes) {}
