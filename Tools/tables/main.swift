import APIMachinery

/// Writes every generated file of the package: `tables [FACTS PACKAGE]`, by default from the folder beside the
/// package that it runs in.
func run() throws {
    var folders = Array(CommandLine.arguments.dropFirst())
    if folders.isEmpty { folders = ["../shared/facts", "."] }
    guard folders.count == 2 else { throw Complaint("usage: tables [FACTS-FOLDER PACKAGE-FOLDER]") }
    let (source, package) = (folders[0], folders[1])
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
