import Support

do throws(Fault) {
    try Command(arguments: CommandLine.arguments).run()
} catch {
    Terminal.fail(error)
}
