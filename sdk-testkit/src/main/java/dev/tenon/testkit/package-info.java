/**
 * Databases for tests: {@link dev.tenon.testkit.Database} for JUnit 5, {@link dev.tenon.testkit.TestDatabases} for everything else. What
 * proves drivers is in the packages below.
 */
@NullMarked
package dev.tenon.testkit;

import org.jspecify.annotations.NullMarked;
