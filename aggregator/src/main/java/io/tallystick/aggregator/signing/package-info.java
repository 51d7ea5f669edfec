/**
 * The aggregator's own Ed25519 keys. Owns {@code signing_key} and the wrapping of private keys; does not own what is
 * signed (receipts: {@code usage}, leases and answers: {@code entitlement}). Invariants: a key is published 24 h before
 * its first use, except the very first; a public key is never removed.
 */
@NullMarked
package io.tallystick.aggregator.signing;

import org.jspecify.annotations.NullMarked;
