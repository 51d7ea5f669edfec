/**
 * The local API of tallystick-agent for programs in Java 17 and newer: is this VM entitled, and what was used. Owns the
 * check that an answer is genuine. Does not own what the agent decides, and starts no threads of its own.
 */
@NullMarked
package io.tallystick.client;

import org.jspecify.annotations.NullMarked;
