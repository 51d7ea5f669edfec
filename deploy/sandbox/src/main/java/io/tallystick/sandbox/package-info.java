/**
 * A marketplace in a box: starts every part as a real process, seeds it, and plays its story.
 *
 * <p>Owns the run folder, the processes it starts and stops, the sandbox's clock file and the sample data. Does not own
 * any rule of metering, entitlement or billing: it talks to the parts as their users do, and checks them from outside.
 */
@NullMarked
package io.tallystick.sandbox;

import org.jspecify.annotations.NullMarked;
