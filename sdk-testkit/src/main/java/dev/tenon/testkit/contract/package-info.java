/**
 * What every delivery, engine and store must keep, as abstract JUnit classes: a backend extends one, says how it is made, and is
 * held to the same promises as those that come with Tenon.
 */
@NullMarked
package dev.tenon.testkit.contract;

import org.jspecify.annotations.NullMarked;
