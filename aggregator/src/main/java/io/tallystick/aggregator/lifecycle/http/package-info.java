/** HTTP of change sets. */
@NullMarked
package io.tallystick.aggregator.lifecycle.http;

import org.jspecify.annotations.NullMarked;
