/**
 * Real PostgreSQL and real tools for tests, and the embedded server of the sandbox. Knows nothing of the aggregator: who
 * needs a schema hands over what makes it.
 */
@NullMarked
package io.tallystick.testkit;

import org.jspecify.annotations.NullMarked;
