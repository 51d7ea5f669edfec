/** Tests of the agent as a whole: real processes, real sockets, a fake aggregator with real signatures. */
@NullMarked
package io.tallystick.agent;

import org.jspecify.annotations.NullMarked;
