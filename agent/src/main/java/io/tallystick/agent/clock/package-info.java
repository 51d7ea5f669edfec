/**
 * Where time comes from, and which time may be believed. Owns the arithmetic of trusted time; does not read the
 * machine (that is {@code app}) and does not keep it on disk (that is {@code store}).
 */
@NullMarked
package io.tallystick.agent.clock;

import org.jspecify.annotations.NullMarked;
