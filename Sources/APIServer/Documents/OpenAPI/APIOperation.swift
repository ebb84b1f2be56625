import API
import APIMachinery

/// One thing that can be done at a path, in no version of OpenAPI yet.
struct APIOperation {
    /// The HTTP method, in lower case.
    var method: String
    /// `x-kubernetes-action`: `list`, `post`, `deletecollection`, `watchlist`, ...
    var action: String
    var name: OperationName
    var description: String
    /// The kind that travels.
    var kind: GroupVersionKind
    var body = Body.none
    /// Names of query parameters.
    var query: [String] = []
    var answer = Answer.text
    /// Codes of success beside 200.
    var codes: [Int] = []

    /// What is sent.
    enum Body: Hashable {
        case none
        /// An object of the type of that name; of a type without a description any.
        case object(String?)
        case patch
        case deleteOptions
    }

    /// What comes back.
    enum Answer: Hashable {
        /// Of whatever form.
        case text
        case object(String?)
        case list(String?)
        case events
    }
}

/// A path with what can be done there.
struct APIPath {
    var path: String
    /// What the name in the path names; empty when there is none.
    var named = ""
    /// Names of query parameters that all operations take.
    var query: [String] = []
    var operations: [APIOperation]
}

extension ResourceDefinition {
    /// The paths of a resource and its subresources. `type` is the name under which its objects are described, if they are;
    /// `hasWatchPaths` asks for the paths of old of watches as well, which only built-in kinds have.
    func operations(type: String?, hasWatchPaths: Bool) -> [APIPath] {
        OperationList(definition: self, type: type).paths(hasWatchPaths: hasWatchPaths)
    }
}

/// Puts together the operations of one resource.
private struct OperationList {
    let definition: ResourceDefinition
    let type: String?

    private var base: String { definition.resource.apiPath }
    private var resource: String { definition.resource.resource }
    private var kind: String { definition.kind }
    private var namespaced: String { definition.isNamespaced ? "Namespaced" : "" }
    private var scope: String { definition.isNamespaced ? "/namespaces/{namespace}" : "" }

    func paths(hasWatchPaths: Bool) -> [APIPath] {
        var paths = [APIPath(path: base + scope + "/" + resource, operations: collection)]
        if definition.isNamespaced, definition.verbs.contains("list") {
            let list = operation("list", "list", kind + "ForAllNamespaces")
            paths.append(APIPath(path: base + "/" + resource, operations: [list].compactMap(\.self)))
        }
        let single = base + scope + "/" + resource + "/{name}"
        paths.append(APIPath(path: single, named: kind, operations: self.single))
        for part in definition.subresources { paths += self.paths(of: part, at: single + "/" + part.name) }
        if hasWatchPaths { paths += watches }
        return paths.filter { !$0.operations.isEmpty }
    }

    private var collection: [APIOperation] {
        [
            operation("list", "list", namespaced + kind), operation("create", "create", namespaced + kind),
            operation("deletecollection", "delete", "Collection" + namespaced + kind),
        ].compactMap(\.self)
    }

    private var single: [APIOperation] {
        [
            operation("get", "read", namespaced + kind), operation("update", "replace", namespaced + kind),
            operation("patch", "patch", namespaced + kind), operation("delete", "delete", namespaced + kind),
        ].compactMap(\.self)
    }

    /// What a verb of the resource is; `nil` when it has none such.
    private func operation(_ verb: String, _ word: String, _ object: String) -> APIOperation? {
        guard definition.verbs.contains(verb) else { return nil }
        return operation(verb, word, object, "\(kind)", definition.groupVersionKind, type)
    }

    private func operation(
        _ verb: String, _ word: String, _ object: String, _ what: String, _ travels: GroupVersionKind, _ type: String?
    ) -> APIOperation {
        let name = OperationName(
            word, object, group: definition.resource.group, version: definition.resource.version)
        func make(_ method: String, _ action: String, _ description: String) -> APIOperation {
            APIOperation(method: method, action: action, name: name, description: description, kind: travels)
        }
        switch verb {
        case "list":
            var list = make("get", "list", "list or watch objects of kind \(kind)")
            (list.query, list.answer) = (OpenAPIParameters.list, .list(type.map { $0 + "List" }))
            return list
        case "get":
            var get = make("get", "get", "read \(what)")
            get.answer = .object(type)
            return get
        case "create":
            var create = make("post", "post", "create \(what)")
            (create.body, create.query) = (.object(type), OpenAPIParameters.write)
            (create.answer, create.codes) = (.object(type), [201, 202])
            return create
        case "update":
            var update = make("put", "put", "replace \(what)")
            (update.body, update.query) = (.object(type), OpenAPIParameters.write)
            (update.answer, update.codes) = (.object(type), [201])
            return update
        case "patch":
            var patch = make("patch", "patch", "partially update \(what)")
            (patch.body, patch.query) = (.patch, OpenAPIParameters.write + ["force"])
            (patch.answer, patch.codes) = (.object(type), [201])
            return patch
        case "deletecollection":
            var delete = make("delete", "deletecollection", "delete collection of \(kind)")
            (delete.body, delete.query) = (.deleteOptions, OpenAPIParameters.deleteCollection)
            delete.answer = .object(OpenAPIParameters.status)
            return delete
        default:
            var delete = make("delete", "delete", "delete \(what)")
            (delete.body, delete.query, delete.codes) = (.deleteOptions, OpenAPIParameters.delete, [202])
            let isAnswered = ResourceEndpoint.answersWithObject.contains(definition.resource.groupResource)
            delete.answer = .object(isAnswered ? type : OpenAPIParameters.status)
            return delete
        }
    }

    // MARK: Subresources

    private func paths(of part: ResourceDefinition.Subresource, at path: String) -> [APIPath] {
        let title = part.name.prefix(1).uppercased() + part.name.dropFirst()
        guard part.options.isEmpty || part.name == "log" else { return connections(part, title, at: path) }
        let words = ["get": "read", "update": "replace", "patch": "patch", "create": "create", "delete": "delete"]
        let partType = part.kind == definition.groupVersionKind ? type : part.type?.name
        let operations = ["get", "update", "patch", "create", "delete"].filter(part.verbs.contains).map { verb in
            var operation = operation(
                verb, words[verb] ?? verb, namespaced + kind + title, "\(part.name) of the specified \(kind)", part.kind,
                partType)
            if part.name == "log" { operation.answer = .text }
            return operation
        }
        let query = part.name == "log" ? OpenAPIParameters.names(ofOptions: part.options) : []
        return [APIPath(path: path, named: part.kind.kind, query: query, operations: operations)]
    }

    /// Conversations: what a client sends and gets there is no object.
    private func connections(_ part: ResourceDefinition.Subresource, _ title: String, at path: String) -> [APIPath] {
        let methods = [("delete", "delete"), ("get", "get"), ("patch", "patch"), ("create", "post"), ("update", "put")]
        func operations(_ suffix: String) -> [APIOperation] {
            methods.filter { part.verbs.contains($0.0) }.map { verb, method in
                let word = method.prefix(1).uppercased() + method.dropFirst()
                let name = OperationName(
                    "connect", word + namespaced + kind + title + suffix, group: definition.resource.group,
                    version: definition.resource.version)
                return APIOperation(
                    method: method, action: "connect", name: name,
                    description: "connect \(method.uppercased()) requests to \(part.name) of \(kind)", kind: part.kind)
            }
        }
        let query = OpenAPIParameters.names(ofOptions: part.options)
        var paths = [APIPath(path: path, named: part.kind.kind, query: query, operations: operations(""))]
        if part.name == "proxy" {
            paths.append(
                APIPath(path: path + "/{path}", named: part.kind.kind, query: query, operations: operations("WithPath")))
        }
        return paths
    }

    // MARK: Watches

    private var watches: [APIPath] {
        guard definition.verbs.contains("watch") else { return [] }
        let end = "/" + resource
        var paths = [watch(scope + end, "watchlist", namespaced + kind + "List", "individual changes to a list of \(kind)")]
        if definition.isNamespaced {
            paths.append(watch(end, "watchlist", kind + "ListForAllNamespaces", "individual changes to a list of \(kind)"))
        }
        if definition.verbs.contains("get") {
            paths.append(watch(scope + end + "/{name}", "watch", namespaced + kind, "changes to an object of kind \(kind)"))
        }
        return paths
    }

    private func watch(_ path: String, _ action: String, _ object: String, _ what: String) -> APIPath {
        let name = OperationName("watch", object, group: definition.resource.group, version: definition.resource.version)
        var operation = APIOperation(
            method: "get", action: action, name: name,
            description: "watch \(what). deprecated: use the 'watch' parameter with a list operation instead.",
            kind: definition.groupVersionKind)
        operation.answer = .events
        return APIPath(
            path: base + "/watch" + path, named: path.hasSuffix("{name}") ? kind : "", query: OpenAPIParameters.list,
            operations: [operation])
    }
}
