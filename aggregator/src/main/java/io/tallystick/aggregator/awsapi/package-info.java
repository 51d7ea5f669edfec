/**
 * What software written for AWS Marketplace expects of the marketplace's side. Owns {@code registration_key}: the keys of
 * products that answers to {@code RegisterUsage} are signed with. What AWS's clients speak on a VM is the agent's.
 */
@NullMarked
package io.tallystick.aggregator.awsapi;

import org.jspecify.annotations.NullMarked;
