/**
 * Owns the judgement of identity evidence: bytes in, a verified identity or a refusal naming the broken rule out. Pure
 * and synchronous; knows no clock, no database and no network. Does not own who may enroll, which key speaks for an
 * instance, or how fresh evidence has to be: a document proves who, not who is calling.
 */
@NullMarked
package io.tallystick.aggregator.enrollment.evidence;

import org.jspecify.annotations.NullMarked;
