/**
 * The process: command line, configuration, the one composition root, start and stop. Nothing may depend on it, and only
 * here may a clock or a source of chance be made.
 */
@NullMarked
package io.tallystick.aggregator.app;

import org.jspecify.annotations.NullMarked;
