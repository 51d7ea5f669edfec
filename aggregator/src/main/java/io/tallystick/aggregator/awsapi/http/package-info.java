/** Routes of {@link io.tallystick.aggregator.awsapi}. */
@NullMarked
package io.tallystick.aggregator.awsapi.http;

import org.jspecify.annotations.NullMarked;
