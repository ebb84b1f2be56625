import APIMachinery

/// Writes every generated file of the package: `tables FACTS PACKAGE`.
func run() throws {
    guard CommandLine.arguments.count == 3 else {
        throw Complaint("usage: tables FACTS-FOLDER PACKAGE-FOLDER")
    }
    let (source, package) = (CommandLine.arguments[1], CommandLine.arguments[2])
    func fact(_ name: String) throws -> Value { try Value(json: File.read("\(source)/\(name)")) }

    let facts = try KubernetesFacts(fact("k8s-api-1.36.json"))
    let registry = try fact("k8s-defaults.json")["registry"] ?? .emptyObject
    let resources = try ResourceFacts(fact("k8s-resources.json"), registry: registry, facts)
    let tables = "\(package)/Sources/CTables"
    var types = facts.builder()
    try checkTypes(facts, SchemaTable(types.build()))
    try File.write("\(tables)/kubernetes.c", CSource.numbers("kubernetes", types.build()))
    try File.write("\(tables)/cri.c", CSource.numbers("cri", messageTable(fact("cri-v1.json"))))
    try File.write("\(tables)/etcd.c", CSource.numbers("etcd", messageTable(fact("etcd-v3.json"))))
    try File.write("\(tables)/resources.c", CSource.text("resources", resources.table))
    try File.write(
        "\(tables)/rbac.c", CSource.text("rbac", bootstrapObjects(fact("k8s-rbac-bootstrap.json"))))

    let views = ViewSource(facts, resources)
    for (name, text) in try views.files() { try File.write("\(package)/Sources/API/Views/\(name)", text) }
}

do {
    try run()
} catch {
    File.complain("tables: \(error)\n")
}
