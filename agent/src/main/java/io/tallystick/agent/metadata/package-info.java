/**
 * Reads the identity of the VM from the metadata service of its cloud. Believes nothing: the aggregator verifies.
 */
@NullMarked
package io.tallystick.agent.metadata;

import org.jspecify.annotations.NullMarked;
