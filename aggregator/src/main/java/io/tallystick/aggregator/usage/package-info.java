/**
 * Batches, watermarks, receipts and usage hours. Owns {@code watermark}, {@code usage_batch}, {@code allocation}, {@code
 * usage_hour} (but not its {@code posted} and {@code dirty} once set: billing clears them), {@code hour_slot}, {@code
 * quarantined_record}, {@code incident}, {@code evidence_archive}, {@code archived_chain}. Invariants: a batch's number is consumed exactly once, in the transaction that
 * adds it up; the sum of what the receipts did not refuse equals the usage hours.
 */
@NullMarked
package io.tallystick.aggregator.usage;

import org.jspecify.annotations.NullMarked;
