/* The C++ library by SWIG: it reads the header. A director is a class whose virtual methods may be overridden in Python. */
%module(directors="1") hello_cpp_swig
%{
#include "hello.hpp"
%}
%include "stdint.i"
%include "std_string.i"
%include "exception.i"
/* What a director's method raised waits in the interpreter; of C++'s own exceptions each gets a Python one. */
%exception {
    try {
        $action
    } catch (const Swig::DirectorException &) {
        SWIG_fail;
    } catch (const std::invalid_argument &error) {
        SWIG_exception(SWIG_ValueError, error.what());
    }
}
%feature("director:except") { if ($error) throw Swig::DirectorMethodException(); }
%feature("director") hello::Hash;
%rename(get_pi) hello::pi;
%include "hello.hpp"
%template(twice) hello::twice<std::int64_t>;
%template(twice) hello::twice<double>;
%template(twice) hello::twice<std::string>;

%extend hello::Guest {
    %pythoncode %{
        name = property(name)
    %}
}
%pythoncode %{
class _HashByFunction(Hash):
    def __init__(self, function):
        super().__init__()
        self.of = function


_ask = ask


def ask(hash, key):
    """Has C++ call a Hash, or a function."""
    return _ask(hash if isinstance(hash, Hash) else _HashByFunction(hash), key)
%}
