/**
 * Coverage-guided fuzz targets for what strangers' bytes reach first. Owns no rule: each target states what its parser
 * promises. The build plays seeds and former findings; {@code JAZZER_FUZZ=1} searches, see CONTRIBUTING.md.
 */
@NullMarked
package io.tallystick.fuzz;

import org.jspecify.annotations.NullMarked;
