package dev.tenon.samples;

import dev.tenon.testkit.Database;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** An annotation of one's own. */
// begin
@Retention(RetentionPolicy.RUNTIME)
@Database(version = "17", migrations = "classpath:db/migration", parameters = "work_mem=2MB")
@interface OrdersDatabase {}
// end
