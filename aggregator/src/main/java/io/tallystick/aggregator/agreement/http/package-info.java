/** HTTP of agreements: decode, call, encode. */
@NullMarked
package io.tallystick.aggregator.agreement.http;

import org.jspecify.annotations.NullMarked;
