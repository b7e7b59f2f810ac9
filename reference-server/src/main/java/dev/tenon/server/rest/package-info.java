/** The REST resources below {@code /v1}; each turns a request into one call of {@code dev.tenon.api}. */
@NullMarked
package dev.tenon.server.rest;

import org.jspecify.annotations.NullMarked;
