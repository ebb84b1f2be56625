import APIMachinery
import Support
import Testing

@testable import APIServer

/// The rules of definitions, without a server.
@Suite struct DefinitionTests {
    private static func messages(_ definition: Value) -> [String] {
        (DefinitionRules.errors(in: definition)).map(\.description)
    }

    private static func defaulted(_ versions: [Value], _ spec: Value = [:]) -> Value {
        var object = CronTab.definition(versions, spec)
        object[path: ["spec", "names", "listKind"]] = "CronTabList"
        if object.at("spec", "conversion") == nil { object[path: ["spec", "conversion"]] = ["strategy": "None"] }
        return object
    }

    private static let good = CronTab.version("v1", CronTab.schema(["a": ["type": "string"]]))

    @Test func `a good definition has no faults`() { #expect(Self.messages(Self.defaulted([Self.good])) == []) }

    @Test(
        arguments: [
            ([:], "spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root"),
            (
                ["type": "object", "properties": ["a": [:]]],
                "spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "array"]]],
                "spec.validation.openAPIV3Schema.properties[a].items: Required value: must be specified"
            ),
            (
                ["type": "object", "$ref": "#/x"],
                "spec.validation.openAPIV3Schema.$ref: Forbidden: $ref is not supported"
            ),
            (
                [
                    "type": "object",
                    "properties": ["a": ["type": "array", "uniqueItems": true, "items": ["type": "string"]]],
                ],
                "spec.validation.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "default": 3]]],
                "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"integer\": value in body must be of type string: \"integer\""
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
                "spec.validation.openAPIV3Schema.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"
            ),
            (
                ["type": "object", "anyOf": [["properties": ["b": ["pattern": "x"]]]]],
                "spec.validation.openAPIV3Schema.properties[b]: Required value: because it is defined in spec.validation.openAPIV3Schema.anyOf[0].properties[b]"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": [
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                            "items": ["type": "object", "properties": ["k": ["type": "string"]]],
                        ]
                    ],
                ],
                "spec.validation.openAPIV3Schema.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
        ] as [(Value, String)])
    func `a schema that is not structural is refused`(_ schema: Value, _ message: String) {
        #expect(Self.messages(Self.defaulted([CronTab.version("v1", schema)])).contains(message))
    }

    private static let place = "spec.validation.openAPIV3Schema"

    /// The schema of `a` in a version without a status of its own, and all that is wrong with it, below the schema.
    @Test(
        arguments: [
            (["type": "object", "additionalProperties": false], []), (["type": "string", "minLength": -1], []),
            (["type": "string", "x-kubernetes-int-or-string": true], []),
            (["x-kubernetes-int-or-string": true, "anyOf": [["type": "integer"], ["type": "string"]]], []),
            (
                [
                    "x-kubernetes-int-or-string": true,
                    "allOf": [["anyOf": [["type": "integer"], ["type": "string"]]], ["pattern": "^[0-9]+$"]],
                ], []
            ),
            (["type": "object", "properties": ["b": ["type": "string"]], "additionalProperties": true], []),
            // Kubernetes asks it of the root alone.
            (["type": "object", "anyOf": [["properties": ["b": ["pattern": "x"]]]]], []),
            (["type": "object", "required": ["b", "b"], "properties": ["b": ["type": "string"]]], []),
            (
                ["type": "object", "properties": ["b": ["type": "string"]], "additionalProperties": ["type": "string"]],
                [".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]
            ),
            (
                ["x-kubernetes-int-or-string": true, "anyOf": [["type": "string"], ["type": "integer"]]],
                [
                    ".anyOf[0].type: Forbidden: must be empty to be structural",
                    ".anyOf[1].type: Forbidden: must be empty to be structural",
                ]
            ),
            (
                ["type": "string", "allOf": [["nullable": true, "default": "x", "description": "d"]]],
                [
                    ".allOf[0].default: Forbidden: must be undefined to be structural",
                    ".allOf[0].description: Forbidden: must be empty to be structural",
                    ".allOf[0].nullable: Forbidden: must be false to be structural",
                ]
            ),
            (
                ["x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true],
                [
                    ".x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true"
                ]
            ),
            (
                [
                    "type": "object", "properties": ["metadata": ["type": "object"]],
                    "anyOf": [["properties": ["metadata": [:]]]],
                ],
                [".anyOf[0].properties[metadata]: Forbidden: must not be specified in a nested context"]
            ),
            (
                [
                    "type": "object", "x-kubernetes-embedded-resource": true,
                    "properties": [
                        "kind": ["type": "integer"],
                        "metadata": [
                            "type": "object",
                            "properties": [
                                "x": [
                                    "type": "object", "x-kubernetes-embedded-resource": true,
                                    "x-kubernetes-preserve-unknown-fields": true,
                                ],
                                "labels": ["type": "object", "additionalProperties": ["type": "string", "default": "l"]],
                            ],
                        ],
                    ],
                ],
                [
                    ".properties[kind].type: Invalid value: \"integer\": must be string",
                    ".properties[metadata].properties[labels].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata",
                    ".properties[metadata].properties[x].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta",
                ]
            ),
            (
                ["x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true],
                [".type: Required value: must be object if x-kubernetes-embedded-resource is true"]
            ),
            (
                ["type": "null"],
                [
                    ".type: Unsupported value: \"null\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
                    ".type: Forbidden: type cannot be set to null, use nullable as an alternative",
                ]
            ),
            (
                ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "foo"],
                [
                    ".x-kubernetes-list-type: Unsupported value: \"foo\": supported values: \"atomic\", \"set\", \"map\""
                ]
            ),
            (
                ["type": "array", "items": ["type": "object"], "x-kubernetes-list-type": "set"],
                [
                    ".items.x-kubernetes-map-type: Invalid value: \"null\": must be atomic as item of a list with x-kubernetes-list-type=set"
                ]
            ),
            (
                [
                    "type": "array", "x-kubernetes-list-type": "set",
                    "items": ["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"],
                ],
                [
                    ".items.x-kubernetes-list-type: Invalid value: \"set\": must be atomic as item of a list with x-kubernetes-list-type=set"
                ]
            ),
            (
                [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "k"],
                    "items": ["type": "object"],
                ],
                [
                    ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\"]: entries must all be names of item properties",
                    ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\"]: entries must all be names of item properties",
                    ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\"]: must not contain duplicate entries",
                ]
            ),
            (
                [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                    "items": ["type": "string"],
                ],
                [
                    ".items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map"
                ]
            ),
        ] as [(Value, [String])])
    func `a property is judged by Kubernetes' rules, no stricter and no laxer`(_ property: Value, _ faults: [String]) {
        let schema: Value = ["type": "object", "properties": ["a": property]]
        let place = "\(Self.place).properties[a]"
        #expect(Self.messages(Self.defaulted([CronTab.version("v1", schema)])) == faults.map { place + $0 })
    }

    private static let rootMessage =
        ": Invalid value: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum "
        + "MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs "
        + "Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status "
        + "subresource is enabled"

    /// What stands at the root of a schema whose version has a status of its own, and the first fault.
    @Test(
        arguments: [
            (["maxProperties": 5], "only"), (["anyOf": [["required": ["a"]]]], "only"),
            (["default": [:]], "only"), (["x-kubernetes-map-type": "atomic"], "only"),
            (["required": ["a"], "description": "d", "x-kubernetes-preserve-unknown-fields": true], nil),
            (["$schema": "http://x", "maxProperties": 0], "only"),
            (
                ["properties": ["metadata": ["type": "object", "required": ["x"]]]],
                ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"
            ),
            (
                ["properties": ["metadata": ["type": "object", "properties": ["name": ["type": "string"]]]]], nil
            ),
            (
                [
                    "properties": [
                        "metadata": ["type": "object", "properties": ["name": ["type": "string", "default": "x"]]]
                    ]
                ],
                ".properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata"
            ),
            (
                ["properties": ["kind": ["type": "string", "default": "x"]]],
                ".properties[kind].default: Forbidden: must not be set in top-level kind"
            ),
            (
                ["properties": ["a": ["type": "string", "$schema": "http://x"]]],
                ": Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported"
            ),
            (["properties": ["a": ["$ref": "#/x"]]], ".properties[a].$ref: Forbidden: $ref is not supported"),
            (["additionalProperties": true], "only"), (["type": "array"], "type"),
        ] as [(Value, String?)])
    func `the root of a schema holds what concerns a whole object alone`(_ parts: Value, _ fault: String?) {
        var schema: Value = ["type": "object"]
        for (key, value) in parts.fields ?? Fields() { schema[key] = value }
        let version = CronTab.version("v1", schema, ["subresources": ["status": [:]]])
        let wanted = fault.map { Self.place + (Self.rootMessages[$0] ?? $0) }
        #expect(Self.messages(Self.defaulted([version])).first == wanted)
    }

    private static let typeMessage =
        ".type: Invalid value: \"array\": only \\\"object\\\" is allowed as the type at the root of the schema if the "
        + "status subresource is enabled"

    private static let rootMessages = ["only": rootMessage, "type": typeMessage]

    @Test func `faults that all versions share stand beside them, others with their version`() {
        let bad = CronTab.schema(["a": [:]])
        let column: Value = ["name": "c", "type": "string", "jsonPath": "x"]
        let more: Value = [
            "additionalPrinterColumns": [column],
            "subresources": [
                "scale": [
                    "specReplicasPath": ".x", "statusReplicasPath": "status.x", "labelSelectorPath": ".metadata.x",
                ]
            ],
        ]
        let one = CronTab.version("v1", bad, more)
        let parts = [
            "spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields",
            "spec.subresources.scale.specReplicasPath: Invalid value: \".x\": should be a json path under .spec",
            "spec.subresources.scale.statusReplicasPath: Invalid value: \"status.x\": must be a simple json path starting with .",
            "spec.subresources.scale.labelSelectorPath: Invalid value: \".metadata.x\": should be a json path under either .spec or .status",
            "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .",
        ]
        #expect(Self.messages(Self.defaulted([one])) == parts)
        let same = CronTab.version("v2", bad, isStored: false, more)
        #expect(Self.messages(Self.defaulted([one, same])) == parts)
        let other = CronTab.version("v2", CronTab.schema([:]), isStored: false, more)
        let apart = "spec.versions[0].schema" + parts[0].dropFirst("spec.validation".count)
        #expect(Self.messages(Self.defaulted([one, other])) == [apart] + parts.dropFirst())
    }

    @Test(
        arguments: [
            (nil, true, nil), ("use v2", true, nil), ("use v2", false, "can only be set for deprecated versions"),
            ("", true, "must not be an empty string"),
            (String(repeating: "x", count: 257), true, "must be <= 256 characters long"),
            (
                "ä\nb", true,
                "must only contain printable UTF-8 characters; non-printable character found at index 2"
            ),
        ] as [(String?, Bool, String?)])
    func `a warning of deprecation is one line of text`(_ warning: String?, _ isDeprecated: Bool, _ fault: String?) {
        var version = Self.good
        version["deprecated"] = .bool(isDeprecated)
        version["deprecationWarning"] = warning.map(Value.string)
        let messages = Self.messages(Self.defaulted([version]))
        let place = "spec.versions[0].deprecationWarning: Invalid value: "
        #expect(messages == (fault.map { [place + "\(Value.string(warning ?? "")): " + $0] } ?? []))
    }

    @Test(
        arguments: [
            (["strategy": "None"], []),
            (
                ["strategy": "None", "webhook": ["clientConfig": ["url": "https://x"], "conversionReviewVersions": ["v1"]]],
                [
                    "webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                    "conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
                ]
            ),
            (
                ["strategy": "Webhook"],
                [
                    "webhookClientConfig: Required value: required when strategy is set to Webhook",
                    "conversionReviewVersions: Required value",
                ]
            ),
            (
                [
                    "strategy": "Webhook",
                    "webhook": [
                        "conversionReviewVersions": ["v2", "v2"],
                        "clientConfig": ["service": ["name": "", "namespace": "", "port": 70_000, "path": "a//b"]],
                    ],
                ],
                [
                    "webhookClientConfig.service.name: Required value: service name is required",
                    "webhookClientConfig.service.namespace: Required value: service namespace is required",
                    "webhookClientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
                    "webhookClientConfig.service.path: Invalid value: \"a//b\": must start with a '/'",
                    "webhookClientConfig.service.path: Invalid value: \"a//b\": segment[0] may not be empty",
                    "webhookClientConfig.service.path: Invalid value: \"a//b\": segment[1] may not be empty",
                    "conversionReviewVersions[1]: Invalid value: \"v2\": duplicate version",
                    "conversionReviewVersions: Invalid value: [\"v2\",\"v2\"]: must include at least one of v1, v1beta1",
                ]
            ),
            (
                [
                    "strategy": "Webhook",
                    "webhook": ["conversionReviewVersions": ["v1"], "clientConfig": ["url": "https://x", "service": [:]]],
                ],
                ["webhookClientConfig: Required value: exactly one of url or service is required"]
            ),
        ] as [(Value, [String])])
    func `a webhook that converts is reached as those of admission are`(_ conversion: Value, _ faults: [String]) {
        let definition = Self.defaulted([Self.good], ["conversion": conversion])
        #expect(Self.messages(definition) == faults.map { "spec.conversion." + $0 })
    }

    @Test(
        arguments: [
            (nil, .missing), ("", .missing), ("bad", .invalid), ("/pull/1", .invalid), ("https://", .invalid),
            ("https://github.com/kubernetes/enhancements/pull/1111", .approved), ("unapproved, experimental", .unapproved),
        ] as [(String?, DefinitionConditions.ApprovalReason)])
    func `kinds in Kubernetes' own groups name who approved them`(
        _ annotation: String?, _ reason: DefinitionConditions.ApprovalReason
    ) {
        var definition = Self.defaulted([Self.good])
        #expect(DefinitionConditions.approval(CustomDefinition(definition)) == nil)
        definition[path: ["spec", "group"]] = "foo.k8s.io"
        if let annotation {
            definition[path: ["metadata", "annotations"]] = ["api-approved.kubernetes.io": .string(annotation)]
        }
        #expect(DefinitionConditions.approval(CustomDefinition(definition))?.reason == reason)
        let isGood = reason == .approved || reason == .unapproved
        let errors = DefinitionRules.approvalErrors(in: definition, over: nil)
        #expect(errors.map(\.field) == (isGood ? [] : ["metadata.annotations[api-approved.kubernetes.io]"]))
        #expect(errors.first?.kind == (isGood ? nil : reason == .missing ? .required : .invalid))
        #expect(DefinitionRules.approvalErrors(in: definition, over: definition) == [])
    }

    @Test func `authorities that cannot be read keep a definition from being served, not one that is`() {
        let now = Timestamp(seconds: 1_800_000_000)
        var definition = Self.defaulted(
            [Self.good],
            [
                "conversion": [
                    "strategy": "Webhook",
                    "webhook": [
                        "conversionReviewVersions": ["v1"],
                        "clientConfig": ["url": "https://x", "caBundle": "Cg=="],
                    ],
                ]
            ])
        func established(_ definition: Value) -> Value? {
            let status = DefinitionConditions(now: now).status(
                of: CustomDefinition(definition), DefinitionConditions.Taken())
            return status["conditions"]?.array?.first { $0["type"] == "Established" }
        }
        #expect(Self.messages(definition) == [])
        #expect(established(definition)?["status"] == "False")
        #expect(established(definition)?["reason"] == "InvalidCABundle")
        let bad = definition
        definition[path: ["spec", "conversion", "webhook", "clientConfig", "caBundle"]] = nil
        #expect(established(definition)?["status"] == "True")
        definition["status"] = DefinitionConditions(now: now).status(
            of: CustomDefinition(definition), DefinitionConditions.Taken())
        var changed = definition
        changed["spec"] = bad["spec"]
        #expect(
            DefinitionRules.updateErrors(changed, over: definition).map(\.description) == [
                "spec.conversion.webhookClientConfig.caBundle: Invalid value: \"Cg==\": unable to load root certificates: unable to parse bytes as PEM block"
            ])
        #expect(established(changed)?["status"] == "True")
        #expect(DefinitionRules.updateErrors(changed, over: changed) == [])
    }

    @Test func `one version is stored, and names are names`() {
        let none = CronTab.version("v1", CronTab.schema([:]), isStored: false)
        #expect(
            Self.messages(Self.defaulted([none])).contains(
                "spec.versions: Invalid value: [\"v1\"]: must have exactly one version marked as storage version"))
        var definition = Self.defaulted([Self.good])
        definition[path: ["spec", "group"]] = "example"
        #expect(
            Self.messages(definition).contains(
                "spec.group: Invalid value: \"example\": should be a domain with at least one dot"))
        definition[path: ["spec", "scope"]] = "Global"
        #expect(
            Self.messages(definition).contains(
                "spec.scope: Unsupported value: \"Global\": supported values: \"Cluster\", \"Namespaced\""))
    }

    @Test func `what its deletion says of a definition is left alone by who says what it is`() {
        let now = Timestamp(seconds: 1_800_000_000)
        var value = Self.defaulted([Self.good])
        value[path: ["metadata", "generation"]] = 2
        // Each write wakes both: the definition must come to rest, not go from one to the other for ever.
        for _ in 0..<2 {
            let definition = CustomDefinition(value)
            value["status"] = DefinitionConditions(now: now).status(of: definition, DefinitionConditions.Taken())
            value["status"] = DefinitionConditions(now: now).statusInDeletion(of: CustomDefinition(value))
        }
        let later = DefinitionConditions(now: Timestamp(seconds: now.seconds + 9))
        let definition = CustomDefinition(value)
        #expect(later.status(of: definition, DefinitionConditions.Taken()) == value["status"])
        #expect(later.statusInDeletion(of: definition) == value["status"])
        #expect(value.at("status", "conditions")?.array?.last?["type"] == "Terminating")
    }

    @Test func `names that are taken are refused, and kept where they were accepted before`() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        var taken = DefinitionConditions.Taken()
        let definition = CustomDefinition(Self.defaulted([Self.good]))
        let status = DefinitionConditions(now: now).status(of: definition, taken)
        #expect(status.at("acceptedNames", "kind") == "CronTab")
        #expect(status["conditions"]?.array?.map { $0["status"] } == ["True", "True"])
        taken.resources = ["ct"]
        let refused = DefinitionConditions(now: now).status(of: definition, taken)
        #expect(refused["conditions"]?.array?.first?["reason"] == "ShortNamesConflict")
        // Of several reasons the last one is told.
        taken.kinds = ["CronTab", "CronTabList"]
        let condition = DefinitionConditions(now: now).status(of: definition, taken)["conditions"]?.array?.first
        #expect(condition?["reason"] == "ListKindConflict")
        #expect(condition?["message"] == "\"CronTabList\" is already in use")
        #expect(refused["conditions"]?.array?.last?["status"] == "False")
    }
}
