/* What of the ledger's header for C and C++ is written by hand: first the functions. They are compiled while the names of the C API
 * still mean the C API; macros.h then puts them in its place. Each takes the line it was called from, as a file and a number. */

#ifdef __cplusplus
extern "C" {
#endif
extern void rl_took(PyObject *, const char *, unsigned long long, void *);
extern PyObject *rl_new(PyObject *, const char *, unsigned long long, void *);
extern PyObject *rl_made(PyObject *, const char *, unsigned long long, void *);
extern PyObject *rl_lend(PyObject *, int, const char *, unsigned long long, void *);
extern void rl_gave(PyObject *, const char *, unsigned long long, void *);
extern void rl_stolen(PyObject *, const char *, unsigned long long, void *);
extern int rl_before(const char *, PyObject *, PyObject *, PyObject *, const char *, unsigned long long, void *);
extern int rl_fails(const char *, const char *, unsigned long long, void *);
extern PyObject *rl_new_or_fails(const char *, PyObject *, const char *, unsigned long long, void *);
extern void rl_emptied(PyObject **, PyObject *, const char *, unsigned long long, void *);
extern PyModuleDef *rl_module(PyModuleDef *);
extern PyType_Spec *rl_spec(PyType_Spec *);
extern PyTypeObject *rl_type(PyTypeObject *);
extern void rl_type_is_ready(PyTypeObject *);
extern PyMethodDef *rl_function(PyMethodDef *);
extern PyMethodDef *rl_functions(PyMethodDef *);
extern void *rl_freed(void *);
extern void *rl_module_slots(void *);
extern void *rl_type_slots(void *);
extern void rl_loaded(void *);
extern int rl_got_buffer(void *, int);
extern void *rl_release_buffer(void *);
#ifdef __cplusplus
}
#endif

#define RL_INLINE static inline __attribute__((unused, always_inline))
/* The line, and the frame of the function in which it stands, by which its callers are found; and the parameters for them. */
#define RL_ __FILE__, __LINE__, __builtin_frame_address(0)
#define RL_P const char *rl_f, int rl_l, void *rl_p
#define RL_O(op) ((PyObject *)(op))

/* ---- descriptions of buffers, each with a reference in it ---- */

RL_INLINE int rl_PyObject_GetBuffer(PyObject *op, Py_buffer *view, int flags)
{
    return rl_got_buffer(view, PyObject_GetBuffer(op, view, flags));
}

RL_INLINE void rl_PyBuffer_Release(Py_buffer *view)
{
    rl_release_buffer(view);
    PyBuffer_Release(view);
}

/* ---- counting ---- */

RL_INLINE void rl_Py_INCREF(RL_P, PyObject *op)
{
    Py_INCREF(op);
    rl_took(op, rl_f, rl_l, rl_p);
}

RL_INLINE void rl_Py_DECREF(RL_P, PyObject *op)
{
    rl_gave(op, rl_f, rl_l, rl_p);
    Py_DECREF(op);
}

RL_INLINE void rl_Py_XINCREF(RL_P, PyObject *op)
{
    if (op != NULL) {
        rl_Py_INCREF(rl_f, rl_l, rl_p, op);
    }
}

RL_INLINE void rl_Py_XDECREF(RL_P, PyObject *op)
{
    if (op != NULL) {
        rl_Py_DECREF(rl_f, rl_l, rl_p, op);
    }
}

RL_INLINE PyObject *rl_Py_NewRef(RL_P, PyObject *op)
{
    rl_Py_INCREF(rl_f, rl_l, rl_p, op);
    return op;
}

RL_INLINE PyObject *rl_Py_XNewRef(RL_P, PyObject *op)
{
    rl_Py_XINCREF(rl_f, rl_l, rl_p, op);
    return op;
}

RL_INLINE void rl_Py_CLEAR(RL_P, PyObject **field)
{
    PyObject *op = *field;
    *field = NULL;
    rl_emptied(field, op, rl_f, rl_l, rl_p);
    rl_Py_XDECREF(rl_f, rl_l, rl_p, op);
}

/* Steals `op`; what the field held is given back. */
RL_INLINE void rl_Py_SETREF(RL_P, PyObject **field, PyObject *op)
{
    PyObject *old = *field;
    rl_emptied(field, old, rl_f, rl_l, rl_p);
    *field = op;
    rl_Py_XDECREF(rl_f, rl_l, rl_p, old);
}

/* ---- items ---- */

RL_INLINE PyObject **rl_PyTuple_GET_ITEM(RL_P, PyObject *tuple, Py_ssize_t at)
{
    PyObject **item = ((PyTupleObject *)tuple)->ob_item + at;
    if (at >= 0 && at < Py_SIZE(tuple)) {
        rl_lend(*item, 0, rl_f, rl_l, rl_p);
    }
    return item;
}

RL_INLINE PyObject **rl_PyList_GET_ITEM(RL_P, PyObject *list, Py_ssize_t at)
{
    PyObject **item = ((PyListObject *)list)->ob_item + at;
    if (at >= 0 && at < Py_SIZE(list)) {
        rl_lend(*item, 1, rl_f, rl_l, rl_p);
    }
    return item;
}

RL_INLINE void rl_PyTuple_SET_ITEM(RL_P, PyObject *tuple, Py_ssize_t at, PyObject *item)
{
    rl_stolen(item, rl_f, rl_l, rl_p);
    PyTuple_SET_ITEM(tuple, at, item);
}

RL_INLINE void rl_PyList_SET_ITEM(RL_P, PyObject *list, Py_ssize_t at, PyObject *item)
{
    rl_stolen(item, rl_f, rl_l, rl_p);
    PyList_SET_ITEM(list, at, item);
}

RL_INLINE PyObject *rl_PySequence_ITEM(RL_P, PyObject *sequence, Py_ssize_t at)
{
    return rl_new(PySequence_ITEM(sequence, at), rl_f, rl_l, rl_p);
}

RL_INLINE int rl_PyDict_Next(RL_P, PyObject *dict, Py_ssize_t *position, PyObject **key, PyObject **value)
{
    int more = PyDict_Next(dict, position, key, value);
    if (more && key != NULL) {
        rl_lend(*key, 1, rl_f, rl_l, rl_p);
    }
    if (more && value != NULL) {
        rl_lend(*value, 1, rl_f, rl_l, rl_p);
    }
    return more;
}

/* ---- types and modules: where calls come in ---- */

RL_INLINE int rl_PyType_Ready(RL_P, PyTypeObject *type)
{
    int result;
    if (rl_fails("PyType_Ready", rl_f, rl_l, rl_p)) {
        return -1;
    }
    result = PyType_Ready(rl_type(type));
    if (result == 0) {
        rl_type_is_ready(type);
    }
    return result;
}

/* A heap type has been made, or not. */
RL_INLINE PyObject *rl_heap_type(RL_P, PyObject *type)
{
    rl_type_is_ready((PyTypeObject *)type);
    return rl_new_or_fails("PyType_FromSpec", type, rl_f, rl_l, rl_p);
}

#if PY_VERSION_HEX >= 0x030900A5
RL_INLINE int rl_PyModule_AddType(RL_P, PyObject *module, PyTypeObject *type)
{
    int result;
    if (rl_fails("PyModule_AddType", rl_f, rl_l, rl_p)) {
        return -1;
    }
    result = PyModule_AddType(module, rl_type(type));
    if (result == 0) {
        rl_type_is_ready(type);
    }
    return result;
}
#endif

#if PY_VERSION_HEX >= 0x030F0000
/* The loader runs this as soon as the file is in memory that it is a part of, before CPython asks the file for a module's slots. */
static __attribute__((constructor)) void rl_when_loaded(void)
{
    rl_loaded((void *)rl_when_loaded);
}
#endif

/* ---- values from a format ---- */

/* The arguments that a format for Py_BuildValue steals: those of its Ns. */
static __inline__ __attribute__((unused)) void rl_steal_by_format(RL_P, const char *format, va_list arguments)
{
    int next;
    for (; *format != '\0'; format++) {
        next = format[1];
        switch (*format) {
        case 's': case 'z': case 'y': case 'u': case 'U':
            (void)va_arg(arguments, void *);
            if (next == '#') {
#if defined(PY_SSIZE_T_CLEAN) || PY_VERSION_HEX >= 0x030D0000
                (void)va_arg(arguments, Py_ssize_t);
#else
                (void)va_arg(arguments, int);
#endif
                format++;
            }
            break;
        case 'n':
            (void)va_arg(arguments, Py_ssize_t);
            break;
        case 'b': case 'B': case 'h': case 'H': case 'i': case 'I': case 'c': case 'C': case 'p':
            (void)va_arg(arguments, int);
            break;
        case 'l': case 'k':
            (void)va_arg(arguments, long);
            break;
        case 'L': case 'K':
            (void)va_arg(arguments, long long);
            break;
        case 'd': case 'f':
            (void)va_arg(arguments, double);
            break;
        case 'D':
            (void)va_arg(arguments, void *);
            break;
        case 'N': case 'O': case 'S':
            if (next == '&') {
                (void)va_arg(arguments, void *);
                (void)va_arg(arguments, void *);
                format++;
            } else if (*format == 'N') {
                rl_stolen(va_arg(arguments, PyObject *), rl_f, rl_l, rl_p);
            } else {
                (void)va_arg(arguments, PyObject *);
            }
            break;
        case '(': case ')': case '[': case ']': case '{': case '}': case ',': case ':': case ' ': case '\t':
            break;
        default:
            /* Not a format that is known: nothing more can be said of the arguments. */
            return;
        }
    }
}

static __inline__ __attribute__((unused)) PyObject *rl_Py_BuildValue(RL_P, const char *format, ...)
{
    PyObject *result;
    va_list arguments;
    va_start(arguments, format);
    rl_steal_by_format(rl_f, rl_l, rl_p, format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    result = Py_VaBuildValue(format, arguments);
    va_end(arguments);
    return rl_new_or_fails("Py_BuildValue", result, rl_f, rl_l, rl_p);
}
