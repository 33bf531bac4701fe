/* Then the macros: from here on the names mean the functions above. A macro is not expanded again inside its own expansion, so the
 * name of the C API may stand in it and means the C API. */

#undef Py_INCREF
#undef Py_DECREF
#undef Py_XINCREF
#undef Py_XDECREF
#undef Py_IncRef
#undef Py_DecRef
#undef Py_NewRef
#undef Py_XNewRef
#undef Py_CLEAR
#undef Py_SETREF
#undef Py_XSETREF
#define Py_INCREF(op) rl_Py_INCREF(RL_, RL_O(op))
#define Py_DECREF(op) rl_Py_DECREF(RL_, RL_O(op))
#define Py_XINCREF(op) rl_Py_XINCREF(RL_, RL_O(op))
#define Py_XDECREF(op) rl_Py_XDECREF(RL_, RL_O(op))
#define Py_IncRef(op) rl_Py_XINCREF(RL_, RL_O(op))
#define Py_DecRef(op) rl_Py_XDECREF(RL_, RL_O(op))
#if PY_VERSION_HEX >= 0x030A00A3
#define Py_NewRef(op) rl_Py_NewRef(RL_, RL_O(op))
#define Py_XNewRef(op) rl_Py_XNewRef(RL_, RL_O(op))
#endif
#define Py_CLEAR(op) rl_Py_CLEAR(RL_, (PyObject **)(void *)&(op))
#define Py_SETREF(field, op) rl_Py_SETREF(RL_, (PyObject **)(void *)&(field), RL_O(op))
#define Py_XSETREF(field, op) rl_Py_SETREF(RL_, (PyObject **)(void *)&(field), RL_O(op))

/* From CPython 3.12 on these take no reference, since none is needed. */
#undef Py_RETURN_NONE
#undef Py_RETURN_TRUE
#undef Py_RETURN_FALSE
#undef Py_RETURN_NOTIMPLEMENTED
#define Py_RETURN_NONE return rl_Py_NewRef(RL_, Py_None)
#define Py_RETURN_TRUE return rl_Py_NewRef(RL_, Py_True)
#define Py_RETURN_FALSE return rl_Py_NewRef(RL_, Py_False)
#define Py_RETURN_NOTIMPLEMENTED return rl_Py_NewRef(RL_, Py_NotImplemented)

/* An item is something that can be assigned to. */
#undef PyTuple_GET_ITEM
#undef PyList_GET_ITEM
#undef PyTuple_SET_ITEM
#undef PyList_SET_ITEM
#undef PySequence_ITEM
#undef PyDict_Next
#define PyTuple_GET_ITEM(tuple, at) (*rl_PyTuple_GET_ITEM(RL_, RL_O(tuple), (at)))
#define PyList_GET_ITEM(list, at) (*rl_PyList_GET_ITEM(RL_, RL_O(list), (at)))
#define PyTuple_SET_ITEM(tuple, at, item) rl_PyTuple_SET_ITEM(RL_, RL_O(tuple), (at), RL_O(item))
#define PyList_SET_ITEM(list, at, item) rl_PyList_SET_ITEM(RL_, RL_O(list), (at), RL_O(item))
#define PySequence_ITEM(sequence, at) rl_PySequence_ITEM(RL_, RL_O(sequence), (at))
#define PyDict_Next(dict, position, key, value) rl_PyDict_Next(RL_, RL_O(dict), (position), (key), (value))

/* Modules. */
#undef PyModuleDef_Init
#undef PyModule_Create2
#undef PyModule_FromDefAndSpec2
#undef PyModule_AddFunctions
#define PyModuleDef_Init(definition) PyModuleDef_Init(rl_module(definition))
#define PyModule_Create2(definition, version) \
    rl_new_or_fails("PyModule_Create", PyModule_Create2(rl_module(definition), (version)), RL_)
#define PyModule_FromDefAndSpec2(definition, spec, version) \
    rl_new_or_fails("PyModule_FromDefAndSpec", PyModule_FromDefAndSpec2(rl_module(definition), (spec), (version)), RL_)
#define PyModule_AddFunctions(module, functions) PyModule_AddFunctions((module), rl_functions(functions))

/* Types. */
#undef PyType_Ready
#undef PyType_FromSpec
#undef PyType_FromSpecWithBases
#define PyType_Ready(type) rl_PyType_Ready(RL_, (type))
#define PyType_FromSpec(spec) rl_heap_type(RL_, PyType_FromSpec(rl_spec(spec)))
#define PyType_FromSpecWithBases(spec, bases) rl_heap_type(RL_, PyType_FromSpecWithBases(rl_spec(spec), (bases)))
#if PY_VERSION_HEX >= 0x030900A5
#undef PyType_FromModuleAndSpec
#undef PyModule_AddType
#define PyType_FromModuleAndSpec(module, spec, bases) \
    rl_heap_type(RL_, PyType_FromModuleAndSpec((module), rl_spec(spec), (bases)))
#define PyModule_AddType(module, type) rl_PyModule_AddType(RL_, (module), (type))
#endif
#if PY_VERSION_HEX >= 0x030C00A3
#undef PyType_FromMetaclass
#define PyType_FromMetaclass(metaclass, module, spec, bases) \
    rl_heap_type(RL_, PyType_FromMetaclass((metaclass), (module), rl_spec(spec), (bases)))
#endif

#if PY_VERSION_HEX >= 0x030F0000
#undef PyModule_FromSlotsAndSpec
#undef PyType_FromSlots
#define PyModule_FromSlotsAndSpec(slots, spec) \
    rl_new_or_fails("PyModule_FromSlotsAndSpec", \
                    PyModule_FromSlotsAndSpec((const PySlot *)rl_module_slots((void *)(slots)), (spec)), RL_)
#define PyType_FromSlots(slots) rl_heap_type(RL_, PyType_FromSlots((PySlot *)rl_type_slots((void *)(slots))))
#endif

/* Functions. */
#undef PyCFunction_New
#undef PyCFunction_NewEx
#undef PyDescr_NewMethod
#undef PyDescr_NewClassMethod
#if PY_VERSION_HEX >= 0x030900A1
#undef PyCMethod_New
#define PyCMethod_New(definition, self, module, type) \
    rl_new_or_fails("PyCMethod_New", PyCMethod_New(rl_function(definition), (self), (module), (type)), RL_)
#define PyCFunction_NewEx(definition, self, module) PyCMethod_New((definition), (self), (module), NULL)
#define PyCFunction_New(definition, self) PyCMethod_New((definition), (self), NULL, NULL)
#endif
#define PyDescr_NewMethod(type, definition) \
    rl_new_or_fails("PyDescr_NewMethod", PyDescr_NewMethod((type), rl_function(definition)), RL_)
#define PyDescr_NewClassMethod(type, definition) \
    rl_new_or_fails("PyDescr_NewClassMethod", PyDescr_NewClassMethod((type), rl_function(definition)), RL_)

/* Memory of objects. What the header of CPython makes of PyObject_New and its like ends in the first four. */
#undef PyType_GenericAlloc
#undef PyType_GenericNew
#undef PyObject_GC_Del
#undef PyObject_Free
#undef PyMem_Free
#define _PyObject_New(type) rl_made(_PyObject_New(type), RL_)
#define _PyObject_NewVar(type, size) (PyVarObject *)rl_made((PyObject *)_PyObject_NewVar((type), (size)), RL_)
#define _PyObject_GC_New(type) rl_made(_PyObject_GC_New(type), RL_)
#define _PyObject_GC_NewVar(type, size) (PyVarObject *)rl_made((PyObject *)_PyObject_GC_NewVar((type), (size)), RL_)
#define PyType_GenericAlloc(type, items) rl_made(PyType_GenericAlloc((type), (items)), RL_)
#define PyType_GenericNew(type, args, kwargs) rl_made(PyType_GenericNew((type), (args), (kwargs)), RL_)
#define PyObject_GC_Del(memory) PyObject_GC_Del(rl_freed(memory))
#define PyObject_Free(memory) PyObject_Free(rl_freed(memory))
#define PyMem_Free(memory) PyMem_Free(rl_freed(memory))

#define PyObject_GetBuffer(op, view, flags) rl_PyObject_GetBuffer(RL_O(op), (view), (flags))
#define PyBuffer_Release(view) rl_PyBuffer_Release(view)

#undef Py_BuildValue
#define Py_BuildValue(...) rl_Py_BuildValue(RL_, __VA_ARGS__)

/* Where sizes are Py_ssize_t throughout, these two are functions of another name. */
#ifdef PyObject_CallFunction
#undef PyObject_CallFunction
#undef PyObject_CallMethod
#define PyObject_CallFunction(...) \
    rl_new_or_fails("PyObject_CallFunction", _PyObject_CallFunction_SizeT(__VA_ARGS__), RL_)
#define PyObject_CallMethod(...) rl_new_or_fails("PyObject_CallMethod", _PyObject_CallMethod_SizeT(__VA_ARGS__), RL_)
#else
#define PyObject_CallFunction(...) \
    rl_new_or_fails("PyObject_CallFunction", PyObject_CallFunction(__VA_ARGS__), RL_)
#define PyObject_CallMethod(...) rl_new_or_fails("PyObject_CallMethod", PyObject_CallMethod(__VA_ARGS__), RL_)
#endif
