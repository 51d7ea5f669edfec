package io.tallystick.aggregator.usage;

import io.tallystick.common.wire.Watermark;
import java.util.UUID;

/**
 * Batches of an enrollment that a restored database forgot and that nobody can send again.
 *
 * @param after the last batch that is there
 * @param upTo the last one that is lost; what follows is there again
 * @param receipt of that one, compact: proof that it was stored once
 */
record LostRange(UUID enrollment, Watermark after, Watermark upTo, String receipt) {}
