/** HTTP of the catalogue: decode, call, encode. */
@NullMarked
package io.tallystick.aggregator.catalog.http;

import org.jspecify.annotations.NullMarked;
