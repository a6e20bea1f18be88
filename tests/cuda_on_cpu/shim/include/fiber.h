// A fiber: a stack of its own and the place where its code stopped, so that one CPU thread can play every thread of a CUDA block.
// On x86-64 a switch saves six registers and the stack pointer; elsewhere, and under AddressSanitizer, ucontext does it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ucontext.h>

namespace shim {

constexpr size_t STACK_BYTES = 128 << 10;

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define SHIM_FAST_SWITCH 1
extern "C" void shim_switch(void** from, void* to);
asm(R"(
.text
.globl shim_switch
.hidden shim_switch
.type shim_switch, @function
shim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
#endif

struct Context {
#ifdef SHIM_FAST_SWITCH
    void* stack_pointer = nullptr;
    void prepare(char* stack, void (*entry)()) {
        void** top = reinterpret_cast<void**>(stack + STACK_BYTES);
        *--top = nullptr;  // keeps the stack 16-byte aligned inside `entry`
        *--top = reinterpret_cast<void*>(entry);
        for (int saved = 0; saved < 6; saved++) *--top = nullptr;
        stack_pointer = top;
    }
    void switch_to(Context& next) { shim_switch(&stack_pointer, next.stack_pointer); }
#else
    ucontext_t saved;
    void prepare(char* stack, void (*entry)()) {
        getcontext(&saved);
        saved.uc_stack.ss_sp = stack;
        saved.uc_stack.ss_size = STACK_BYTES;
        saved.uc_link = nullptr;
        makecontext(&saved, entry, 0);
    }
    void switch_to(Context& next) { swapcontext(&saved, &next.saved); }
#endif
};

}  // namespace shim
