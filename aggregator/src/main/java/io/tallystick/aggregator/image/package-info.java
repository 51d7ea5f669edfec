/**
 * The port to image clouds: what the marketplace does with machine images at AWS (EC2) and OUTSCALE, and the clients that
 * do it. Owns no table. Does not decide when anything happens (lifecycle does). Depends on {@code common} and the clouds'
 * SDKs. Invariant: every effect may be asked for again with the same arguments and then changes nothing.
 */
@NullMarked
package io.tallystick.aggregator.image;

import org.jspecify.annotations.NullMarked;
