/**
 * Small HTTP client pieces over {@link java.net.HttpURLConnection}, and how an aggregator is asked and may refuse.
 */
@NullMarked
package io.tallystick.agent.net;

import org.jspecify.annotations.NullMarked;
