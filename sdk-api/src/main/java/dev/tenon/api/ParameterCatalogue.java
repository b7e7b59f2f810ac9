package dev.tenon.api;

import java.util.Map;

/** The parameters of one engine version. Immutable. */
public interface ParameterCatalogue {
    /** Returns all parameters by name. */
    Map<String, Parameter> parameters();

    /**
     * Checks one value and returns it in the engine's own canonical form.
     *
     * @throws InvalidSpecException {@code PARAMETER_INVALID} for an unknown name, or a value of the wrong type, unit or range,
     *     saying what is allowed; {@code PARAM_FORBIDDEN} if tenants may not set it
     */
    String check(String name, String value);
}
