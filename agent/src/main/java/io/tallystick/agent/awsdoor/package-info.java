/**
 * The AWS door: the part of AWS Marketplace's metering service that software in a VM calls, spoken by the agent, so that
 * it works unchanged with another endpoint. Owns the reading, the rules and the errors of those operations; not HTTP,
 * which {@code api} does, and not how records are kept and sent.
 */
@NullMarked
package io.tallystick.agent.awsdoor;

import org.jspecify.annotations.NullMarked;
