/** HTTP of {@code enrollment}: decode, call the service, encode; no rules here. */
@NullMarked
package io.tallystick.aggregator.enrollment.http;

import org.jspecify.annotations.NullMarked;
