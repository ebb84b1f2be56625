import APIMachinery

/// A request that is wrong, and Kubernetes' answer to it.
struct Mistake: Sendable {
    var what: String
    var request: RawClient.Request
    var code: Int
    var reason: String
    /// A part of the message.
    var says: String
    /// Each as `reason field`; `nil` when they do not matter.
    var causes: [String]?

    init(
        _ what: String, _ request: RawClient.Request, _ code: Int, _ reason: String, _ says: String = "",
        causes: [String]? = nil
    ) {
        self.what = what
        self.request = request
        self.code = code
        self.reason = reason
        self.says = says
        self.causes = causes
    }
}

/// What people and programs get wrong. The objects `kept` of two kinds and the pod `waiting` exist.
enum WrongRequests {
    static let maps = "/api/v1/namespaces/default/configmaps"
    static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private static let pods = "/api/v1/namespaces/default/pods"
    private static let yaml = "application/yaml"
    private static let merge = "application/merge-patch+json"

    static func map(_ name: String, _ more: Value = [:]) -> Value {
        var object: Value = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)]]
        for (key, value) in more.fields ?? Fields() { object[key] = value }
        return object
    }

    static func deployment(_ change: (inout Value) -> Void) -> Value {
        var object: Value = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"]]
        object[path: ["spec", "selector", "matchLabels", "app"]] = "web"
        object[path: ["spec", "template", "metadata", "labels", "app"]] = "web"
        object[path: ["spec", "template", "spec", "containers"]] = [["name": "c", "image": "nginx"]]
        change(&object)
        return object
    }

    // MARK: Bodies that cannot be read

    static let unreadable = [
        Mistake(
            "JSON that stops", .post(maps, text: #"{"kind":"ConfigMap""#), 400, "BadRequest",
            "(must be of type ConfigMap): couldn't get version/kind; json parse error"),
        Mistake("no JSON", .post(maps, text: "hello"), 400, "BadRequest", "(68656c6c6f)"),
        Mistake("no body", .post(maps, text: ""), 400, "BadRequest", "<empty>"),
        Mistake("a list", .post(maps, text: "[]"), 400, "BadRequest", "must be of type ConfigMap"),
        Mistake(
            "brackets without end", .post(maps, text: String(repeating: "[", count: 200_000)), 400, "BadRequest",
            "max depth"),
        Mistake("YAML that stops", .post(maps, text: "a: [", as: yaml), 400, "BadRequest", "yaml: line"),
        Mistake("YAML that explodes", .post(maps, text: bomb, as: yaml), 400, "BadRequest", "excessive aliasing"),
        Mistake(
            "no protobuf", .post(maps, text: "k8s\u{0}\u{ff}", as: "application/vnd.kubernetes.protobuf"), 400,
            "BadRequest", "must be of type ConfigMap"),
        Mistake(
            "four MiB", .post(maps, map("large", ["data": ["x": .string(String(repeating: "x", count: 4 << 20))]])),
            413, "RequestEntityTooLarge", "limit is 3145728"),
        Mistake(
            "an unknown media type", .post(maps, text: "<a/>", as: "text/xml"), 415, "UnsupportedMediaType",
            "accepted media types include: application/json, application/yaml"),
        Mistake(
            "a patch of no kind", .patch(maps + "/kept", "a", as: "application/json"), 415,
            "UnsupportedMediaType", merge),
        Mistake(
            "an answer that is not made", .post(maps, map("unseen"), accept: "image/png"), 406, "NotAcceptable",
            "only the following media types are accepted: application/json"),
        Mistake("a list that is not made", .get(maps, accept: "text/html"), 406, "NotAcceptable"),
    ]

    /// Nine levels of nine: billions of values from less than a kilobyte.
    private static let bomb =
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + (1...9).map { level in
            let items = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
            return "a\(level): &a\(level) [\(items)]\n"
        }.joined()

    // MARK: Bodies of another kind or type

    static let unfit = [
        Mistake(
            "another kind", .post(maps, ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a"]]), 400,
            "BadRequest", "Pod in version \"v1\" cannot be handled as a ConfigMap"),
        Mistake(
            "an unknown kind", .post(maps, ["apiVersion": "v1", "kind": "Nothing"]), 400, "BadRequest",
            "no kind \"Nothing\" is registered for version \"v1\""),
        Mistake(
            "another version",
            .post(
                "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
                ["apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"]), 400, "BadRequest",
            "in the data (autoscaling/v2) does not match the expected API version (autoscaling/v1)"),
        Mistake(
            "a foreign namespace", .post(maps, ["metadata": ["name": "a", "namespace": "b"]]), 400, "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request"),
        Mistake(
            "another name", .put(maps + "/a", map("b")), 400, "BadRequest",
            "the name of the object (b) does not match the name on the URL (a)"),
        Mistake(
            "a nameless replacement", .put(maps + "/a", ["kind": "ConfigMap"]), 400, "BadRequest",
            "name must be provided"),
        Mistake(
            "a text for a number", .post(deployments, deployment { $0[path: ["spec", "replicas"]] = "three" }), 400,
            "BadRequest", "cannot unmarshal string into Go struct field"),
        Mistake(
            "a number too large", .post(deployments, deployment { $0[path: ["spec", "replicas"]] = 99_999_999_999 }),
            400, "BadRequest", "cannot unmarshal number"),
        Mistake(
            "a list for a map", .post(maps, map("a", ["data": ["x"]])), 400, "BadRequest",
            "cannot unmarshal array into Go struct field"),
        Mistake(
            "a number for a version", .post(maps, map("a", ["apiVersion": 1])), 400, "BadRequest",
            "cannot unmarshal number"),
        Mistake(
            "bad base64", .post("/api/v1/namespaces/default/secrets", map("a", ["kind": "Secret", "data": ["x": "!"]])),
            400, "BadRequest", "illegal base64 data"),
        Mistake(
            "a bad quantity",
            .post(
                "/api/v1/namespaces/default/resourcequotas",
                ["metadata": ["name": "a"], "spec": ["hard": ["cpu": "much"]]]), 400, "BadRequest",
            "quantities must match the regular expression"),
        Mistake(
            "an unknown field",
            .post(deployments + "?fieldValidation=Strict", deployment { $0[path: ["spec", "replicaz"]] = 1 }), 400,
            "BadRequest", "strict decoding error: unknown field \"spec.replicaz\""),
        Mistake(
            "a field twice",
            .post(maps + "?fieldValidation=Strict", text: #"{"metadata":{"name":"a","name":"b"}}"#), 400, "BadRequest",
            "strict decoding error: duplicate field \"metadata.name\""),
        Mistake(
            "a YAML key twice",
            .post(maps + "?fieldValidation=Strict", text: "data: {x: y}\ndata: {}", as: yaml), 400, "BadRequest",
            "\"data\" already set in map"),
    ]

    // MARK: Objects that cannot be

    static let invalid = [
        Mistake(
            "no name", .post(maps, ["data": ["x": "y"]]), 422, "Invalid", "name or generateName is required",
            causes: ["FieldValueRequired metadata.name"]),
        Mistake(
            "a name in capitals", .post(maps, map("Web_1")), 422, "Invalid",
            "ConfigMap \"Web_1\" is invalid: metadata.name: Invalid value: \"Web_1\": a lowercase RFC 1123 subdomain",
            causes: ["FieldValueInvalid metadata.name"]),
        Mistake(
            "a long name", .post(maps, map(String(repeating: "a", count: 254))), 422, "Invalid", "253"),
        Mistake("a name like a path", .post(maps, map("../a")), 422, "Invalid"),
        Mistake(
            "a namespace with a dot", .post("/api/v1/namespaces", ["metadata": ["name": "a.b"]]), 422, "Invalid",
            "must not contain dots"),
        Mistake(
            "a bad label", .post(maps, ["metadata": ["name": "a", "labels": ["x": "a b"]]]), 422, "Invalid",
            "a valid label must be", causes: ["FieldValueInvalid metadata.labels"]),
        Mistake(
            "a bad annotation", .post(maps, ["metadata": ["name": "a", "annotations": ["a b": ""]]]), 422, "Invalid",
            causes: ["FieldValueInvalid metadata.annotations"]),
        Mistake(
            "a bad key", .post(maps, map("a", ["data": ["a/b": ""]])), 422, "Invalid",
            "a valid config key must consist of"),
        Mistake(
            "an empty deployment", .post(deployments, ["metadata": ["name": "a"]]), 422, "Invalid",
            "spec.selector: Required value"),
        Mistake(
            "no containers", .post(pods, ["metadata": ["name": "a"]]), 422, "Invalid",
            "spec.containers: Required value", causes: ["FieldValueRequired spec.containers"]),
        Mistake(
            "negative replicas", .post(deployments, deployment { $0[path: ["spec", "replicas"]] = -1 }), 422,
            "Invalid", "must be greater than or equal to 0", causes: ["FieldValueInvalid spec.replicas"]),
        Mistake(
            "an unknown policy",
            .post(
                pods,
                [
                    "metadata": ["name": "a"],
                    "spec": ["restartPolicy": "Sometimes", "containers": [["name": "c", "image": "i"]]],
                ]), 422, "Invalid", "Unsupported value: \"Sometimes\"",
            causes: ["FieldValueNotSupported spec.restartPolicy"]),
        Mistake(
            "an impossible port",
            .post(
                "/api/v1/namespaces/default/services",
                ["metadata": ["name": "a"], "spec": ["ports": [["port": 70_000]]]]), 422, "Invalid",
            "must be between 1 and 65535, inclusive"),
        Mistake(
            "a changed selector",
            .put(
                deployments + "/kept",
                deployment { object in
                    object[path: ["metadata", "name"]] = "kept"
                    object[path: ["spec", "selector", "matchLabels", "app"]] = "other"
                    object[path: ["spec", "template", "metadata", "labels", "app"]] = "other"
                }), 422, "Invalid", "field is immutable", causes: ["FieldValueInvalid spec.selector"]),
        Mistake(
            "a negative scale",
            .put(deployments + "/kept/scale", ["metadata": ["name": "kept"], "spec": ["replicas": -1]]), 422,
            "Invalid", "must be greater than or equal to 0"),
    ]

    // MARK: Paths and methods

    static let misplaced = [
        Mistake(
            "an unknown resource", .get("/api/v1/namespaces/default/nothings"), 404, "NotFound",
            "the server could not find the requested resource"),
        Mistake("an unknown group", .get("/apis/no.io/v1/nothings"), 404, "NotFound"),
        Mistake("an unknown path", .get("/nothing"), 404, "NotFound"),
        Mistake("an unknown subresource", .get(maps + "/kept/nothing"), 404, "NotFound"),
        Mistake("a path behind an object", .get(pods + "/waiting/log/b"), 404, "NotFound"),
        Mistake(
            "an unknown namespace", .post("/api/v1/namespaces/nope/configmaps", map("a")), 404, "NotFound",
            "namespaces \"nope\" not found"),
        Mistake(
            "an object that is not there", .get(maps + "/nope"), 404, "NotFound", "configmaps \"nope\" not found"),
        Mistake("a deletion of nothing", .delete(maps + "/nope"), 404, "NotFound", "configmaps \"nope\" not found"),
        Mistake("a replacement of nothing", .put(maps + "/nope", map("nope")), 404, "NotFound"),
        Mistake("a patch of nothing", .patch(maps + "/nope", "{}", as: merge), 404, "NotFound"),
        Mistake("the cluster's objects in a namespace", .get("/api/v1/namespaces/default/nodes"), 404, "NotFound"),
        Mistake("an object without its namespace", .get("/api/v1/configmaps/kept"), 404, "NotFound"),
        Mistake(
            "a creation without namespace", .post("/api/v1/configmaps", map("a")), 405, "MethodNotAllowed",
            "the server does not allow this method on the requested resource"),
        Mistake("a deletion of everything", .delete("/api/v1/configmaps"), 405, "MethodNotAllowed"),
        Mistake("a replaced collection", .put(maps, map("a")), 405, "MethodNotAllowed"),
        Mistake("a patched collection", .patch(maps, "{}", as: merge), 405, "MethodNotAllowed"),
        Mistake("a creation behind a name", .post(maps + "/a", map("a")), 405, "MethodNotAllowed"),
        Mistake(
            "a list of reviews", .get("/apis/authentication.k8s.io/v1/tokenreviews"), 405, "MethodNotAllowed"),
        Mistake(
            "a made-up method", RawClient.Request(method: "BREW", path: maps + "/kept"), 405, "MethodNotAllowed"),
        Mistake(
            "a protected namespace", .delete("/api/v1/namespaces/kube-system"), 403, "Forbidden",
            "this namespace may not be deleted"),
        Mistake(
            "a command in a pod that runs nowhere", .post(pods + "/waiting/exec?command=a", text: ""), 400, "BadRequest",
            "does not have a host assigned"),
        Mistake(
            "an eviction of nothing", .post(pods + "/nope/eviction", ["metadata": ["name": "nope"]]), 404,
            "NotFound", "pods \"nope\" not found"),
    ]

    // MARK: Options

    static let options = [
        Mistake(
            "an unknown dry run", .post(maps + "?dryRun=Maybe", map("a")), 422, "Invalid",
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value",
            causes: ["FieldValueNotSupported dryRun"]),
        Mistake(
            "an unknown validation", .post(maps + "?fieldValidation=Loud", map("a")), 422, "Invalid",
            "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"", causes: ["FieldValueNotSupported fieldValidation"]),
        Mistake(
            "an unknown propagation", .delete(maps + "/kept?propagationPolicy=Never"), 422, "Invalid",
            "DeleteOptions.meta.k8s.io", causes: ["FieldValueNotSupported propagationPolicy"]),
        Mistake(
            "a match without version", .get(maps + "?resourceVersionMatch=Exact"), 422, "Invalid",
            "forbidden unless resourceVersion is provided",
            causes: ["FieldValueForbidden resourceVersionMatch"]),
        Mistake("a bad label selector", .get(maps + "?labelSelector=a%3D%3D%3Db"), 400, "BadRequest"),
        Mistake(
            "a bad field selector", .get(maps + "?fieldSelector=spec.x%3Dy"), 400, "BadRequest",
            #""spec.x" is not a known field selector: only "metadata.name", "metadata.namespace""#),
        Mistake("a bad limit", .get(maps + "?limit=many"), 400, "BadRequest"),
        Mistake("a bad version", .get(maps + "?resourceVersion=new"), 400, "BadRequest"),
        Mistake(
            "a bad token to continue", .get(maps + "?continue=abc"), 400, "BadRequest",
            "continue key is not valid"),
        Mistake(
            "a version of the future", .get(maps + "?resourceVersion=999999999"), 504, "Timeout",
            "Too large resource version"),
    ]

    // MARK: Changes

    static let changes = [
        Mistake("a patch that is none", .patch(maps + "/kept", "{", as: merge), 400, "BadRequest"),
        Mistake(
            "a patch that does not apply",
            .patch(
                maps + "/kept", #"[{"op":"test","path":"/data/x","value":"z"}]"#, as: "application/json-patch+json"),
            422, "Invalid", "the server rejected our request due to an error in our request"),
        Mistake(
            "a patch to a wrong type", .patch(deployments + "/kept", #"{"spec":{"replicas":"three"}}"#, as: merge),
            422, "Invalid", "cannot unmarshal string", causes: ["FieldValueInvalid patch"]),
        Mistake(
            "a patch to an unknown field",
            .patch(
                deployments + "/kept?fieldValidation=Strict", #"{"spec":{"replicaz":3}}"#,
                as: "application/strategic-merge-patch+json"), 422, "Invalid",
            "strict decoding error: unknown field \"spec.replicaz\"", causes: ["FieldValueInvalid patch"]),
        Mistake(
            "a patch of the name", .patch(maps + "/kept", #"{"metadata":{"name":"other"}}"#, as: merge), 400,
            "BadRequest", "does not match the name on the URL"),
        Mistake(
            "a name that is taken", .post(maps, map("kept")), 409, "AlreadyExists",
            "configmaps \"kept\" already exists"),
        Mistake(
            "an old version", .put(maps + "/kept", ["metadata": ["name": "kept", "resourceVersion": "1"]]), 409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version and try again"),
        Mistake(
            "a deletion of another", .delete(maps + "/kept", ["preconditions": ["uid": "x"]]), 409, "Conflict",
            "the UID in the precondition (x) does not match the UID in record ("),
    ]
}

extension RawClient.Request {
    static func get(_ path: String, accept: String? = nil) -> Self { Self(path: path, accept: accept) }

    static func post(_ path: String, _ object: Value, accept: String? = nil) -> Self {
        Self(method: "POST", path: path, body: object.json, accept: accept)
    }

    static func post(_ path: String, text: String, as contentType: String = "application/json") -> Self {
        Self(method: "POST", path: path, body: Array(text.utf8), contentType: contentType)
    }

    static func put(_ path: String, _ object: Value) -> Self { Self(method: "PUT", path: path, body: object.json) }

    static func patch(_ path: String, _ text: String, as contentType: String) -> Self {
        Self(method: "PATCH", path: path, body: Array(text.utf8), contentType: contentType)
    }

    static func delete(_ path: String, _ options: Value? = nil) -> Self {
        Self(method: "DELETE", path: path, body: options?.json)
    }
}
