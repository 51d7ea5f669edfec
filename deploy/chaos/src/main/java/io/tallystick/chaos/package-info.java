/**
 * Storms: real processes, a real network and a real PostgreSQL, broken on purpose while usage is metered, and a checker
 * that says whether the bill is right afterwards.
 *
 * <p>Owns the faults and the load. Does not own how parts are started (that is the sandbox's) nor the verdict (that is
 * {@code checker}'s, which shares no code with what is judged).
 */
@NullMarked
package io.tallystick.chaos;

import org.jspecify.annotations.NullMarked;
