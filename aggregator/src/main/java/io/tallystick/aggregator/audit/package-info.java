/**
 * Who did what to which thing, append-only and hash-chained. Owns {@code audit_event} and {@code audit_head}. Depends on
 * {@code db}. Invariant: every event's hash covers the one before it, and the head names the last. Appending takes the
 * head's row lock until the transaction ends, so it is for administrative changes and never for ingest.
 */
@NullMarked
package io.tallystick.aggregator.audit;

import org.jspecify.annotations.NullMarked;
