/**
 * Main, command line, configuration, wiring, the main loop, start and stop. The only package that reads the clock
 * and the environment.
 */
@NullMarked
package io.tallystick.agent.app;

import org.jspecify.annotations.NullMarked;
